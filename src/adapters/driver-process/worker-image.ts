import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError } from '../../base/errors.ts';
import type { RevisionSpec } from '../../model/endpoint.ts';
import { splitWords } from '../../model/words.ts';
import { volumeFault } from './worker-volumes.ts';

/**
 * `host` runs in the folder the server was started in, `host:<folder>` in that folder; a relative
 * one counts from the server's. Null: not an image of this driver.
 */
export function workingFolder(image: string, serverFolder: string): string | null {
  if (image === 'host') return serverFolder;
  if (image.startsWith('host:') && image.length > 'host:'.length) {
    return resolve(serverFolder, image.slice('host:'.length));
  }
  return null;
}

/** Why the process driver cannot run this, or null. One look at the file system, for the folder. */
export function processRefusal(spec: RevisionSpec, serverFolder: string): AppError | null {
  const folder = workingFolder(spec.image, serverFolder);
  if (folder === null) {
    return imageRefusal(
      `image "${spec.image}" is a container image and needs the docker driver; this server has the ` +
        `process driver, which takes "host" or "host:<folder>"`,
    );
  }
  const fault = folderFault(folder);
  if (fault !== null) {
    return imageRefusal(`image "${spec.image}": "${folder}" ${fault}; name a folder of this machine`);
  }
  for (const [field, text] of [
    ['entrypoint', spec.entrypoint],
    ['command', spec.command],
  ] as const) {
    const split = splitWords(text);
    if ('fault' in split) return fieldRefusal(field, `${field} ${split.fault}`);
  }
  const volume = volumeFault(spec.volumes);
  if (volume !== null) return fieldRefusal(volume.field, volume.message);
  if (`${spec.entrypoint}${spec.command}`.trim() === '') {
    return fieldRefusal(
      'command',
      'entrypoint and command are both empty; the process driver needs a command to run, such as "node server.js"',
    );
  }
  return null;
}

export function folderFault(folder: string): string | null {
  try {
    const stat = statSync(folder, { throwIfNoEntry: false });
    if (stat === undefined) return 'does not exist';
    return stat.isDirectory() ? null : 'is not a folder';
  } catch (error) {
    return `cannot be looked at (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
  }
}

function imageRefusal(message: string): AppError {
  return new AppError('IMAGE_NOT_SUPPORTED', message, { metadata: { image: message } });
}

function fieldRefusal(field: string, message: string): AppError {
  return new AppError('VALIDATOR_PARAM', message, { metadata: { [field]: message } });
}
