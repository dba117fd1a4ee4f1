import type { RevisionSpec } from '../../model/endpoint.ts';

/** What an endpoint is made with all the same, and is better made otherwise: sentences for its owner. */
export function specWarnings({ volumes }: Pick<RevisionSpec, 'volumes'>): readonly string[] {
  const local = volumes.flatMap(({ type }, index) => (type === 'local' ? [`volumes[${index}]`] : []));
  if (local.length === 0) return [];
  return [
    `${local.join(', ')}: the type "local" is deprecated, and what is written there is gone with its worker; use a network volume for what is to stay.`,
  ];
}
