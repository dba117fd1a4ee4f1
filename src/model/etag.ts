/**
 * The tag of an endpoint's changeable fields: the revision they are of and how often the settings
 * changed. A revision never changes and a generation names one set of settings, so equal tags mean
 * equal fields; what moves by itself (status, workers, a rollout's steps) leaves the tag alone.
 */
export function endpointEtag(revision: number, settingsGeneration: number): string {
  return `"${revision}-${settingsGeneration}"`;
}

/** What a tag made here says, or null for one that was not. */
export function readEtag(tag: string): { revision: number; settingsGeneration: number } | null {
  const match = /^"(\d{1,15})-(\d{1,15})"$/.exec(tag);
  return match === null ? null : { revision: Number(match[1]), settingsGeneration: Number(match[2]) };
}

/** What If-Match asks for: any endpoint that exists, or one with one of these tags. */
export type TagCondition = '*' | readonly string[];

/** One entity tag of RFC 9110: weak mark, then any visible character but the quote. */
const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/;

/** Reads an If-Match header (RFC 9110, section 13.1.1); null when it is not one. */
export function parseTagCondition(header: string): TagCondition | null {
  if (header.trim() === '*') return '*';
  const tags: string[] = [];
  let rest = header;
  // Members are apart by commas; empty ones are allowed and ignored.
  while ((rest = rest.replace(/^[ \t]+/, '')) !== '') {
    if (rest.startsWith(',')) {
      rest = rest.slice(1);
      continue;
    }
    const tag = TAG.exec(rest)?.[0];
    if (tag === undefined) return null;
    tags.push(tag);
    rest = rest.slice(tag.length).replace(/^[ \t]+/, '');
    if (rest !== '' && !rest.startsWith(',')) return null;
  }
  return tags.length === 0 ? null : tags;
}

/** Strong comparison: a weak tag matches nothing. */
export function tagMatches(condition: TagCondition, etag: string): boolean {
  return condition === '*' || condition.includes(etag);
}
