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
  try {
    wordsOf('entrypoint', spec.entrypoint);
    wordsOf('command', spec.command);
    return null;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}
