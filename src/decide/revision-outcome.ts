import type { Endpoint, Revision, RevisionOutcome } from '../model/endpoint.ts';

/** What became of a revision, told from the records: it is no state of its own. */
export function revisionOutcome(
  revision: Revision,
  endpoint: Pick<Endpoint, 'stableRevision' | 'targetRevision'>,
): RevisionOutcome {
  if (revision.number === endpoint.targetRevision) return 'rolling_out';
  if (revision.number === endpoint.stableRevision) return 'in_force';
  if (revision.failure !== null) return 'failed';
  if (revision.stableAtMs !== null) return 'replaced';
  // Settings are kept since the moment of becoming stable is.
  return revision.settings === null ? 'unknown' : 'superseded';
}
