import { AppError } from '../base/errors.ts';
import { revisionOutcome } from '../decide/revision-outcome.ts';
import { fieldChanges } from '../decide/update/classify.ts';
import type { FieldChanges } from '../model/endpoint-fields.ts';
import type { Revision } from '../model/endpoint.ts';
import type { RevisionView } from '../ports/endpoint-service.ts';
import type { EndpointEntry } from './endpoint-entry.ts';
import { REVISIONS_KEPT } from './endpoint-records.ts';

export function revisionViews(entry: EndpointEntry): readonly RevisionView[] {
  const workers = new Map<number, number>();
  for (const { record } of entry.workers.values()) {
    workers.set(record.revision, (workers.get(record.revision) ?? 0) + 1);
  }
  return [...entry.revisions.values()].map((revision) => ({
    revision,
    outcome: revisionOutcome(revision, entry.endpoint),
    changed: changesOf(entry, revision),
    workers: workers.get(revision.number) ?? 0,
  }));
}

export function revisionView(entry: EndpointEntry, number: number): RevisionView {
  return revisionViews(entry).find(({ revision }) => revision.number === number) ?? noRevision(entry, number);
}

export function noRevision({ endpoint, revisions }: EndpointEntry, number: number): never {
  const kept = [...revisions.keys()].sort((a, b) => a - b);
  throw new AppError(
    'SERVERLESS_REVISION_NOT_FOUND',
    `Endpoint ${endpoint.id} has no revision ${number}, or no longer: the last ${REVISIONS_KEPT} are kept, and those in use. There are: ${kept.join(', ')}.`,
  );
}

function changesOf(entry: EndpointEntry, revision: Revision): FieldChanges | null {
  const base = entry.revisions.get(revision.fromRevision ?? revision.number - 1);
  if (base === undefined) return null;
  // Where the settings of one are not known, only the fields of the revisions can be told apart.
  const settings = revision.settings ?? base.settings ?? entry.endpoint.settings;
  const known = revision.settings !== null && base.settings !== null;
  return fieldChanges(
    { spec: base.spec, settings: known ? base.settings : settings },
    { spec: revision.spec, settings },
  );
}
