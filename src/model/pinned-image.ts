import type { Revision, RevisionSpec } from './endpoint.ts';

/** The fields its workers are started from: with the image that was pinned. */
export function pinnedSpec({ spec, pinnedImage }: Pick<Revision, 'spec' | 'pinnedImage'>): RevisionSpec {
  return pinnedImage === null ? spec : { ...spec, image: pinnedImage };
}

/** `sha256:…` of the registry's manifest, or of the image where it was never in a registry; empty: not known yet. */
export function imageDigest({ pinnedImage }: Pick<Revision, 'pinnedImage'>): string {
  return /sha256:[0-9a-f]{64}$/.exec(pinnedImage ?? '')?.[0] ?? '';
}
