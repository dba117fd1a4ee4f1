import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One device as the stand-in for `nvidia-smi` lists it. */
export interface ListedDevice {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly totalMib: number | string;
  readonly usedMib: number | string;
}

export interface NvidiaSmiScript {
  /** An environment in whose PATH it comes first. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What it answers from now on; `processes` are lines of its own form. */
  answer(
    devices: readonly ListedDevice[],
    options?: { processes?: readonly string[]; code?: number },
  ): Promise<void>;
  /** A shell script in its place. */
  script(text: string): Promise<void>;
  remove(): Promise<void>;
}

export const H100 = { name: 'NVIDIA H100 80GB HBM3', totalMib: 81_559, usedMib: 4 };
export const RTX_4090 = { name: 'NVIDIA GeForce RTX 4090', totalMib: 24_564, usedMib: 4 };

const HEADER = `Mon Jan  5 10:00:00 2026
| NVIDIA-SMI 570.124.06             Driver Version: 570.124.06     CUDA Version: 12.8     |`;

/** A shell script named `nvidia-smi`, whose answers change while it is asked. */
export async function nvidiaSmiScript(): Promise<NvidiaSmiScript> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-nvidia-smi-'));
  const path = join(folder, 'nvidia-smi');
  const write = async (text: string): Promise<void> => {
    // A program that is being run cannot be written; the next one takes its name.
    await writeFile(`${path}.next`, `#!/bin/sh\n${text}\n`);
    await chmod(`${path}.next`, 0o755);
    await rename(`${path}.next`, path);
  };
  await write('echo "not set up" >&2; exit 1');
  return {
    environment: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
    async answer(devices, { processes = [], code = 0 } = {}) {
      const lines = devices.map(
        ({ index, uuid, name, totalMib, usedMib }) =>
          `${index}, ${uuid}, ${totalMib}, ${usedMib}, 570.124.06, ${name}`,
      );
      await write(`case "$1" in
--query-gpu=*) cat <<'END'
${lines.join('\n')}
END
exit ${code};;
--query-compute-apps=*) cat <<'END'
${processes.join('\n')}
END
;;
*) cat <<'END'
${HEADER}
END
;;
esac`);
    },
    script: write,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
