/** The registry that image names without a host are looked up in. */
export const DEFAULT_REGISTRY = 'docker.io';

/** Other names of it. */
const DEFAULT_REGISTRY_ALIASES = new Set([
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
]);

/**
 * The host, with its port if it has one, that an image reference is pulled from. The rule is the
 * engines' own: what stands before the first slash is a host only if it has a dot or a colon, or is
 * `localhost`.
 */
export function imageRegistry(image: string): string {
  const slash = image.indexOf('/');
  const first = slash < 0 ? '' : image.slice(0, slash);
  return isHost(first) ? canonical(first) : DEFAULT_REGISTRY;
}

/**
 * A registry as people write it, as its host and port: without scheme, path of an API version and
 * final slash. Null where it is none.
 */
export function registryHost(text: string): string | null {
  const bare = text
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/\/(?:v1|v2)?\/?$/, '');
  return /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(bare)
    ? canonical(bare)
    : null;
}

/** An image reference with what its short form leaves out, so that two names of one image are the same text. */
export function canonicalReference(image: string): string {
  const registry = imageRegistry(image);
  const slash = image.indexOf('/');
  const hasHost = slash >= 0 && (registry !== DEFAULT_REGISTRY || isHost(image.slice(0, slash)));
  const path = hasHost ? image.slice(slash + 1) : image;
  const full = registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path;
  const last = full.slice(full.lastIndexOf('/') + 1);
  return `${registry}/${full}${/[:@]/.test(last) ? '' : ':latest'}`;
}

function isHost(first: string): boolean {
  return first.includes('.') || first.includes(':') || first.toLowerCase() === 'localhost';
}

function canonical(host: string): string {
  const lower = host.toLowerCase();
  return DEFAULT_REGISTRY_ALIASES.has(lower) ? DEFAULT_REGISTRY : lower;
}
