/** The parts of an image reference such as `registry.example:5000/team/app:1@sha256:…`. */
export interface ImageReference {
  /** Without tag and digest: `registry.example:5000/team/app`. */
  readonly name: string;
  /** `latest` where nothing is said and there is no digest; null beside a digest without a tag. */
  readonly tag: string | null;
  /** `sha256:…` */
  readonly digest: string | null;
}

const NAME =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[a-f0-9]{64}$/;

/** `sha256:…` alone names an image by what it is made of; it is not to be pulled. */
export function isImageId(image: string): boolean {
  return DIGEST.test(image);
}

/** Null when it is no reference. */
export function parseImageReference(image: string): ImageReference | null {
  const at = image.indexOf('@');
  const digest = at === -1 ? null : image.slice(at + 1);
  const named = at === -1 ? image : image.slice(0, at);
  const colon = named.lastIndexOf(':');
  // A colon before the last slash belongs to the registry's port.
  const tagged = colon > named.lastIndexOf('/');
  const name = tagged ? named.slice(0, colon) : named;
  const tag = tagged ? named.slice(colon + 1) : digest === null ? 'latest' : null;
  if (!NAME.test(name) || (tag !== null && !TAG.test(tag))) return null;
  if (digest !== null && !DIGEST.test(digest)) return null;
  return { name, tag, digest };
}
