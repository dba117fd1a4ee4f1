const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** A row of bars, one a value, up to `largest`. Only 0 is blank, so that little does not look like nothing. */
export function sparkLine(values: readonly number[], largest: number): string {
  return values
    .map((value) => {
      if (value <= 0 || largest <= 0) return ' ';
      const level = Math.ceil((Math.min(value, largest) / largest) * BLOCKS.length) - 1;
      return BLOCKS[Math.max(0, level)] ?? ' ';
    })
    .join('');
}
