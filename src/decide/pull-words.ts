const MB = 1_000_000;
const GB = 1_000 * MB;

/** What a driver tells of a pull. */
export interface PullAmounts {
  readonly layersDone: number;
  readonly layersTotal: number;
  readonly bytesDone: number;
  /** Null as long as it is not known. */
  readonly bytesTotal: number | null;
}

/** `pulling its image: 3 of 7 layers, 1.2 of 4.0 GB` */
export function pullWords({ layersDone, layersTotal, bytesDone, bytesTotal }: PullAmounts): string {
  const layers = `${layersDone} of ${layersTotal} ${layersTotal === 1 ? 'layer' : 'layers'}`;
  const bytes =
    bytesTotal === null ? size(bytesDone) : `${amount(bytesDone, bytesTotal)} of ${size(bytesTotal)}`;
  return `pulling its image: ${layers}, ${bytes}`;
}

/** As registries and engines count: a MB is 1,000,000 bytes. */
export function size(bytes: number): string {
  return `${amount(bytes, bytes)} ${bytes >= GB ? 'GB' : 'MB'}`;
}

/** In the unit of `scale`. */
function amount(bytes: number, scale: number): string {
  return scale >= GB ? (bytes / GB).toFixed(1) : String(Math.round(bytes / MB));
}
