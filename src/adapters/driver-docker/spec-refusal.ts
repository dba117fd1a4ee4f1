import { posix } from 'node:path';
import { AppError } from '../../base/errors.ts';
import type { RevisionSpec } from '../../model/endpoint.ts';
import { wordsOf } from './container-spec.ts';
import { invalidImage } from './docker-images.ts';
import { isImageId, parseImageReference } from './image-reference.ts';

/** Why no container can be made of this, or null. */
export function specRefusal(spec: RevisionSpec): AppError | null {
  const { image } = spec;
  if (image === 'host' || image.startsWith('host:')) {
    const message =
      `image "${image}" runs programs of this machine and needs the process driver; this server has the ` +
      'docker driver, which takes container images such as "registry.example/team/app:1.2"';
    return new AppError('IMAGE_NOT_SUPPORTED', message, { metadata: { image: message } });
  }
  if (!isImageId(image) && parseImageReference(image) === null) {
    return new AppError('VALIDATOR_PARAM', invalidImage(image), { metadata: { image: invalidImage(image) } });
  }
  const mountRefusal = mountPointRefusal(spec);
  if (mountRefusal !== null) return mountRefusal;
  try {
    wordsOf('entrypoint', spec.entrypoint);
    wordsOf('command', spec.command);
    return null;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

/** Where engines mount nothing, or a container does not start over it. */
const NO_MOUNT_POINT = /^(?:\/|\/dev|\/(?:proc|sys)(?:\/.*)?)$/;

function mountPointRefusal({ volumes }: RevisionSpec): AppError | null {
  for (const [index, { mountPoint }] of volumes.entries()) {
    if (!NO_MOUNT_POINT.test(posix.resolve('/', mountPoint))) continue;
    const field = `volumes[${index}].mount_point`;
    const fault = `is "${mountPoint}"; allowed: a folder other than /, /dev, and those in /proc and /sys`;
    return new AppError('VALIDATOR_PARAM', `${field} ${fault}`, { metadata: { [field]: fault } });
  }
  return null;
}
