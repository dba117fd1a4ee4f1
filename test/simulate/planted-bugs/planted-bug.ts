/** A mistake that somebody could make, as an exact change of one file of src. */
export interface PlantedBug {
  /** What goes wrong because of it. */
  readonly name: string;
  /** Below src. */
  readonly file: string;
  /** Occurs exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** The file's text with the bug in it. Throws where the patch no longer applies: it must follow the code. */
export function plant(bug: PlantedBug, text: string): string {
  const places = text.split(bug.find).length - 1;
  if (places !== 1) {
    throw new Error(
      `The planted bug "${bug.name}" does not apply: its text occurs ${places} times in src/${bug.file}. ` +
        'Give the patch the code as it is now, or plant another bug of its kind.',
    );
  }
  return text.replace(bug.find, () => bug.replace);
}
