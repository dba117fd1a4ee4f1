import { settingsFields, specFields, unixSeconds } from '../model/endpoint-fields.ts';
import { imageDigest } from '../model/pinned-image.ts';
import type { RevisionItem, RevisionObject } from '../model/revision-schema.ts';
import type { RevisionView } from '../ports/endpoint-service.ts';

export function revisionItem({ revision, outcome, changed, workers }: RevisionView): RevisionItem {
  return {
    revision: revision.number,
    created_at: unixSeconds(revision.createdAtMs),
    created_by: revision.createdBy,
    from_revision: revision.fromRevision,
    restores: revision.restores,
    changed,
    image_digest: imageDigest(revision),
    outcome,
    failure: revision.failure ?? '',
    workers,
    start_seconds: revision.startTimeMs === null ? null : revision.startTimeMs / 1_000,
  };
}

export function revisionObject(view: RevisionView): RevisionObject {
  const { spec, settings } = view.revision;
  return {
    ...revisionItem(view),
    spec: specFields(spec),
    settings: settings === null ? null : settingsFields(settings),
  };
}
