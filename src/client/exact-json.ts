type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/** In every Node this runs on; TypeScript's own library does not know it yet. */
const exact = JSON as unknown as { rawJSON(text: string): object };
const parseWith: (text: string, reviver: Reviver) => unknown = (text, reviver) => JSON.parse(text, reviver);

/**
 * `JSON.parse`, but a number that JavaScript would write differently (a seed beyond 2^53, 1.0) becomes
 * an object that `JSON.stringify` writes as it came.
 */
export function parseExactJson(text: string): unknown {
  return parseWith(text, (_key, value, context) => {
    const source = context?.source;
    return typeof value === 'number' && source !== undefined && String(value) !== source
      ? exact.rawJSON(source)
      : value;
  });
}
