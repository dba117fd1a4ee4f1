import { canonicalReference } from '../../model/image-reference.ts';
import type { PulledImage } from '../../model/prewarm-task.ts';

/** An image on the machine, as the driver tells it. */
export interface ImageOnMachine {
  readonly id: string;
  readonly references: readonly string[];
  readonly sizeBytes: number;
  /** A container is made from it. */
  readonly inUse: boolean;
}

export interface ImageBounds {
  /** An image that nothing wanted for so long goes; null: never for its age. */
  readonly unusedMs: number | null;
  /** The images that Pilotlight pulled, together; null: never for want of space. */
  readonly bytes: number | null;
}

export interface ImageWorld {
  readonly held: readonly ImageOnMachine[];
  /** Those that Pilotlight pulled: no other is ever removed. */
  readonly pulled: readonly PulledImage[];
  /** References of kept revisions, and of prewarm tasks that are not over. */
  readonly needed: readonly string[];
  /** References of prewarm tasks that are over and young enough to wait for their use, which has not come. */
  readonly reserved: readonly string[];
}

export interface ImagePlan {
  /** In this order: the one unused for longest first. */
  readonly remove: readonly { readonly image: PulledImage; readonly why: 'age' | 'space' }[];
  /** Wanted at this moment: their last use is now. */
  readonly used: readonly PulledImage[];
  /** No longer on the machine: somebody else removed them. */
  readonly gone: readonly PulledImage[];
}

/**
 * Which images may go. One that a container is made from, that `needed` or `reserved` names by any of its
 * references, or that has a tag of somebody else, is never touched, however old it is and however
 * little space is left.
 */
export function unusedImages(
  { held, pulled, needed, reserved }: ImageWorld,
  bounds: ImageBounds,
  nowMs: number,
): ImagePlan {
  const onMachine = new Map(held.map((image) => [image.id, image]));
  const wanted = new Set(needed.map(canonicalReference));
  const kept = new Set(reserved.map(canonicalReference));
  const present = pulled.flatMap((image) => {
    const found = onMachine.get(image.id);
    return found === undefined ? [] : [{ image, found }];
  });
  const names = ({ image, found }: (typeof present)[number]): string[] =>
    [...image.references, ...found.references].map(canonicalReference);
  const used = present.filter(
    (one) =>
      one.found.inUse ||
      // A tag that nobody asked Pilotlight for was given by somebody who means to keep the image.
      hasForeignTag(one.image, one.found) ||
      names(one).some((name) => wanted.has(name)),
  );
  const unused = present
    .filter((one) => !used.includes(one) && !names(one).some((name) => kept.has(name)))
    .sort(
      ({ image: one }, { image: other }) =>
        one.lastUsedAtMs - other.lastUsedAtMs || (one.id < other.id ? -1 : 1),
    );
  let bytes = present.reduce((sum, { found }) => sum + found.sizeBytes, 0);
  const remove: { image: PulledImage; why: 'age' | 'space' }[] = [];
  for (const { image, found } of unused) {
    const old = bounds.unusedMs !== null && nowMs - image.lastUsedAtMs >= bounds.unusedMs;
    const crowded = bounds.bytes !== null && bytes > bounds.bytes;
    if (!old && !crowded) continue;
    remove.push({ image, why: old ? 'age' : 'space' });
    bytes -= found.sizeBytes;
  }
  return {
    remove,
    used: used.map(({ image }) => image),
    gone: pulled.filter(({ id }) => !onMachine.has(id)),
  };
}

function hasForeignTag(image: PulledImage, found: ImageOnMachine): boolean {
  const asked = new Set(image.references.map(canonicalReference));
  return found.references.map(canonicalReference).some((name) => !name.includes('@') && !asked.has(name));
}
