import { AppError } from '../base/errors.ts';
import type { RegistryCredential } from '../model/registry-auth.ts';
import type { DriverImages } from '../ports/driver.ts';
import type { Log } from '../ports/log.ts';

/** What an image was found to stand for when its revision was made. */
export interface ImagePin {
  readonly image: string;
  /** Null: nobody could say; it is found out with the first pull. */
  readonly pinned: string | null;
}

const NO_SIGNAL = new AbortController().signal;
const REFUSALS: ReadonlySet<string> = new Set([
  'IMAGE_NOT_FOUND',
  'IMAGE_DIGEST_GONE',
  'IMAGE_AUTH_REQUIRED',
  'IMAGE_NOT_SUPPORTED',
  'VALIDATOR_PARAM',
]);

/**
 * Asks once for which bytes the image of a new revision stands, so that all its workers run the same,
 * also when the tag moves. Rejects where the registry says that there is no such image, or not for this
 * credential: then nothing is changed. A registry or an engine that cannot be asked now holds nothing up.
 */
export async function pinnedImage(
  images: DriverImages,
  image: string,
  credential: RegistryCredential | null,
  log: Log,
): Promise<string | null> {
  try {
    return await images.resolve(image, credential, NO_SIGNAL);
  } catch (error) {
    if (error instanceof AppError && REFUSALS.has(error.code)) throw error;
    log.warn('an image could not be looked up, so its first pull says which one it is', { image, error });
    return null;
  }
}
