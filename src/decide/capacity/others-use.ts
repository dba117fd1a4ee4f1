/**
 * Whether what is in use on a device that no worker holds is too much for a worker to be put there.
 * A device at rest has a little in use for its driver, a desktop's some hundred MiB; another program's
 * model has most of it. `share`: of its whole memory. False where nothing is known.
 */
export function tooMuchInUse(usedMib: number | null, memoryMib: number, share: number): boolean {
  return usedMib !== null && memoryMib > 0 && usedMib > memoryMib * share;
}
