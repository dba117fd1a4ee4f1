import { AppError, type ErrorCode } from '../../base/errors.ts';

/** What dockerode's modem rejects with: an answer of the engine, or an error of the socket. */
export interface EngineFailure extends Error {
  readonly statusCode?: number;
  /** Of the socket. */
  readonly code?: string;
}

export interface EngineCallFacts {
  readonly socketPath: string;
  /** Method and path: for the operator's log. */
  readonly request: string;
  /** Set when it was broken off for taking too long. */
  readonly lateAfterMs: number | null;
}

/** An engine's refusal, before it is known what it means for whoever asked. */
export class EngineRefusal extends AppError {
  readonly status: number;
  /** The engine's own words. */
  readonly words: string;

  constructor(status: number, words: string, request: string) {
    super('ENGINE_FAILED', `the container engine answered: ${words}`, { detail: request });
    this.status = status;
    this.words = words;
  }
}

/** Errors of the socket become named ones; a refusal of the engine keeps its status and words. */
export function engineFault(failure: EngineFailure, facts: EngineCallFacts): AppError {
  const { socketPath, request, lateAfterMs } = facts;
  if (lateAfterMs !== null) {
    return new AppError(
      'ENGINE_SLOW',
      `the container engine at ${socketPath} did not answer within ${lateAfterMs / 1_000} s`,
      { cause: failure, detail: request },
    );
  }
  const { statusCode } = failure;
  if (statusCode === undefined) {
    return new AppError(
      'ENGINE_UNREACHABLE',
      `the container engine at ${socketPath} cannot be reached (${failure.code ?? failure.message}); ${whatToDo(failure.code)}`,
      { cause: failure, detail: request },
    );
  }
  const words = engineWords(failure);
  if (isDiskFull(words)) return diskFull(words, request);
  return new EngineRefusal(statusCode, words, request);
}

function whatToDo(code: string | undefined): string {
  if (code === 'EACCES') return 'its socket is closed to this user: add the user to the group that owns it';
  return 'is it running? PILOTLIGHT_DOCKER_SOCKET says where its socket is';
}

/** dockerode's modem puts `(HTTP code 500) unexpected - ` before what the engine said. */
function engineWords({ message }: EngineFailure): string {
  const words = oneLine(message);
  return words.replace(/^\(HTTP code \d+\) \w+ - (?=.)/, '');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 1_000);
}

export function hasStatus(error: unknown, status: number): error is EngineRefusal {
  return error instanceof EngineRefusal && error.status === status;
}

function isDiskFull(words: string): boolean {
  return /no space left on device|disk quota exceeded/i.test(words);
}

function diskFull(words: string, detail: string): AppError {
  return new AppError(
    'DISK_FULL',
    `the container engine has no space left: ${words}; remove images that are not needed`,
    { detail },
  );
}

/** Words of engines and registries, as they were seen → what is wrong. The first that fits holds. */
const IMAGE_FAULTS: readonly (readonly [pattern: RegExp, code: ErrorCode])[] = [
  [/manifest unknown|name unknown|not found: manifest|no such image|image not known/i, 'IMAGE_NOT_FOUND'],
  [/no matching manifest|no image found in manifest list|image operating system/i, 'IMAGE_NOT_SUPPORTED'],
  [
    /no basic auth credentials|unauthorized|authentication required|access (?:to the resource is )?denied|denied:|incorrect username or password|403 forbidden/i,
    'IMAGE_AUTH_REQUIRED',
  ],
  [
    /dial tcp|connection refused|no such host|network is unreachable|i\/o timeout|\btls: |x509:|connection reset|Client\.Timeout|context deadline exceeded|server gave HTTP response|toomanyrequests|\b50[0-9] /i,
    'REGISTRY_UNREACHABLE',
  ],
  // As it is written: names of images are in small letters.
  [/\bEOF\b/, 'REGISTRY_UNREACHABLE'],
];

export interface ImageQuestion {
  readonly image: string;
  /** Whether a login was shown to the registry. */
  readonly withLogin: boolean;
}

/** What the words of a failed pull, or of a failed look at the registry, mean. */
export function imageFault(words: string, { image, withLogin }: ImageQuestion): AppError {
  const detail = `image ${image}`;
  const metadata = { image };
  if (isDiskFull(words)) return diskFull(words, detail);
  const code = IMAGE_FAULTS.find(([pattern]) => pattern.test(words))?.[1] ?? 'IMAGE_PULL_FAILED';
  if (code === 'IMAGE_NOT_FOUND' && image.includes('@')) {
    return new AppError(
      'IMAGE_DIGEST_GONE',
      `the registry no longer has image "${image}"; push it again, or name another one`,
      { metadata, detail: words },
    );
  }
  return new AppError(code, imageMessage(code, image, withLogin, words), { metadata, detail: words });
}

function imageMessage(code: ErrorCode, image: string, withLogin: boolean, words: string): string {
  switch (code) {
    case 'IMAGE_NOT_FOUND':
      return `the registry has no image "${image}"; check its name and tag`;
    case 'IMAGE_NOT_SUPPORTED':
      return `image "${image}" has no variant for this machine: ${words}`;
    case 'IMAGE_AUTH_REQUIRED':
      return withLogin
        ? `the registry refuses image "${image}" to the login of registry_auth_id; check its user, password and rights`
        : `the registry gives image "${image}" to nobody without a login, or does not have it; give registry_auth_id, or check the name`;
    case 'REGISTRY_UNREACHABLE':
      return `the registry of image "${image}" cannot be reached: ${words}`;
    default:
      return `image "${image}" could not be pulled: ${words}`;
  }
}
