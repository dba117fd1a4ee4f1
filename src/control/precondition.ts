import { AppError } from '../base/errors.ts';
import { fieldChanges, fieldValues } from '../decide/update/classify.ts';
import type { EndpointParts } from '../decide/update/merge.ts';
import { endpointEtag, readEtag, tagMatches, type TagCondition } from '../model/etag.ts';
import { currentRevision, type EndpointEntry } from './endpoint-entry.ts';

/** So much of a value is told; an environment can have megabytes. */
const SHOWN_LENGTH_MAX = 200;

export function etagOf(entry: EndpointEntry): string {
  return endpointEtag(currentRevision(entry).number, entry.endpoint.settingsGeneration);
}

/** Refuses a change that was made for another state of the endpoint than the present one. */
export function checkPrecondition(entry: EndpointEntry, condition: TagCondition | null): void {
  const etag = etagOf(entry);
  if (condition === null || condition === '*' || tagMatches(condition, etag)) return;
  const current = { settings: entry.endpoint.settings, spec: currentRevision(entry).spec };
  // Of several tags none can be told to be the one that was read.
  const read = condition.length === 1 ? partsOf(entry, condition[0] ?? '') : null;
  const metadata: Record<string, string> = { etag };
  if (read === null) {
    for (const [path, value] of fieldValues(current)) metadata[path] = `is now ${shown(value)}`;
  } else {
    for (const [path, change] of Object.entries(fieldChanges(read, current)))
      metadata[path] = `was ${shown(change.old)}, is now ${shown(change.new)}`;
  }
  const { etag: _etag, ...fields } = metadata;
  const what =
    read === null
      ? 'what it was then is no longer known'
      : `changed since: ${Object.keys(fields).join(', ')}`;
  throw new AppError(
    'PRECONDITION_FAILED',
    `Nothing was changed: the endpoint has the tag ${etag}, and If-Match asked for ${condition.join(', ').slice(0, SHOWN_LENGTH_MAX)}; ${what}. Read it again, and repeat the change if it is still right.`,
    { metadata },
  );
}

/** What the endpoint was under a tag, as far as its revision and those settings are kept. */
function partsOf(entry: EndpointEntry, tag: string): EndpointParts | null {
  const read = readEtag(tag);
  if (read === null) return null;
  const spec = entry.revisions.get(read.revision)?.spec;
  const { settings: present, settingsGeneration } = entry.endpoint;
  const isPresent = read.settingsGeneration === settingsGeneration;
  const settings = isPresent ? present : entry.settingsKept?.get(read.settingsGeneration);
  return spec === undefined || settings === undefined ? null : { spec, settings };
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}
