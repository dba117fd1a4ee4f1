import { createInterface } from 'node:readline';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { MINUTE_MS, SECOND_MS } from '../../base/units.ts';
import type { RegistryCredential } from '../../model/registry-auth.ts';
import type { DriverImages, HeldImage, PreparedImage, PullContext } from '../../ports/driver.ts';
import type { EngineClient, EngineLogin } from './engine-client.ts';
import { EngineRefusal, hasStatus, imageFault } from './engine-fault.ts';
import { isImageId, parseImageReference, type ImageReference } from './image-reference.ts';
import { PullProgressSum, type PullLine } from './pull-progress.ts';
import type { EngineStream } from './stream-silence.ts';

/** To the first word of a pull: engines ask the registry before. */
const PULL_ANSWER_MS = 120 * SECOND_MS;
/** Between two words of it: Podman says nothing while it unpacks a layer, and a dead connection never does. */
const PULL_SILENCE_MS = 20 * MINUTE_MS;
const REGISTRY_LOOK_MS = 10 * SECOND_MS;
const PROGRESS_PAUSE_MS = 250;
/** Names of one image that are removed before it is given up. */
const NAMES_MAX = 100;
/** How long a pull waits for an engine that is being restarted. */
const ENGINE_WAIT_MS = 60 * SECOND_MS;

/** The part of GET /images/{name}/json that is read. */
interface InspectedImage {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  readonly RepoDigests: readonly string[] | null;
  readonly Size: number;
}

interface ListedImage extends InspectedImage {}

export interface ImageFacts {
  readonly id: string;
  /** Names these very bytes for this engine, whatever becomes of the tag. */
  readonly pinned: string;
  readonly sizeBytes: number;
}

/** The images of the engine, and what registries say through it. */
export class DockerImages implements DriverImages {
  readonly #engine: EngineClient;
  readonly #clock: Clock;
  /** Podman tells less of a pull, and does not look into registries for others. */
  readonly #isPodman: () => boolean;

  constructor(engine: EngineClient, clock: Clock, isPodman: () => boolean) {
    this.#engine = engine;
    this.#clock = clock;
    this.#isPodman = isPodman;
  }

  /** The image itself where it is here, else what the registry gives. */
  async prepare(image: string, context: PullContext): Promise<PreparedImage> {
    context.signal.throwIfAborted();
    const here = await this.#engine.patiently(() => this.find(image), ENGINE_WAIT_MS, context.signal);
    context.signal.throwIfAborted();
    return here === null ? await this.pull(image, context) : { ...here, pulled: false };
  }

  async pull(image: string, context: PullContext): Promise<PreparedImage> {
    const { signal, credential } = context;
    signal.throwIfAborted();
    const before = await this.#engine.patiently(() => this.find(image), ENGINE_WAIT_MS, signal);
    const reference = referenceOf(image);
    // By its digest or its id it is what it is: there is nothing newer to bring.
    if (before !== null && (reference === null || reference.digest !== null))
      return { ...before, pulled: false };
    if (reference === null) {
      throw new AppError('IMAGE_DIGEST_GONE', `image "${image}" is no longer on this machine`, {
        metadata: { image },
      });
    }
    await this.#engine.patiently(
      async () => await this.#pull(image, reference, context),
      ENGINE_WAIT_MS,
      signal,
    );
    const after = await this.find(image);
    if (after === null) {
      throw new AppError(
        'IMAGE_PULL_FAILED',
        `image "${image}" is not there after its pull${credential === null ? '' : ' with a login'}`,
        { metadata: { image } },
      );
    }
    return { ...after, pulled: before?.id !== after.id };
  }

  async #pull(image: string, { name, tag, digest }: ImageReference, context: PullContext): Promise<void> {
    const { credential, signal } = context;
    const question = { image, withLogin: credential !== null };
    let stream: EngineStream;
    try {
      stream = await this.#engine.stream({
        method: 'POST',
        path: `/images/create?fromImage=${encodeURIComponent(name)}&tag=${encodeURIComponent(digest ?? tag ?? 'latest')}`,
        login: loginOf(credential),
        signal,
        timeoutMs: PULL_ANSWER_MS,
      });
    } catch (error) {
      throw error instanceof EngineRefusal ? imageFault(error.words, question) : error;
    }
    const sum = new PullProgressSum(this.#isPodman());
    const silence = this.#engine.silenceOf(stream, PULL_SILENCE_MS);
    let toldMs = Number.NEGATIVE_INFINITY;
    const lines = createInterface({ input: stream });
    // The lines fail with it too, where they did not end before it came.
    let broken: Error | null = null;
    stream.once('error', (error: Error) => {
      broken = error;
      lines.close();
    });
    try {
      for await (const text of lines) {
        silence.heard();
        const line = pullLine(text);
        // Half a line: the engine broke off, as is told below or by the image that is not there.
        if (line === null) continue;
        // The answer was 200 long before: what goes wrong then is a line among the others.
        if (line.error !== undefined) throw imageFault(line.error, question);
        if (!sum.take(line) || signal.aborted) continue;
        const nowMs = this.#clock.monotonicMs();
        if (nowMs - toldMs < PROGRESS_PAUSE_MS) continue;
        toldMs = nowMs;
        context.onProgress(sum.progress);
      }
    } catch (error) {
      if (error !== broken) throw error;
    } finally {
      silence.end();
    }
    signal.throwIfAborted();
    if (broken !== null) throw brokenPull(image, broken);
  }

  /** The image as it is on this machine; null when it is not. */
  async find(image: string): Promise<ImageFacts | null> {
    return (await this.#look(image))?.facts ?? null;
  }

  async #look(image: string): Promise<{ readonly facts: ImageFacts; readonly fromRegistry: boolean } | null> {
    try {
      const found = await this.#engine.call<InspectedImage>({
        method: 'GET',
        path: `/images/${encodeURIComponent(image)}/json`,
      });
      const name = referenceOf(image)?.name ?? null;
      const digests = found.RepoDigests ?? [];
      const own = digests.find((digest) => name !== null && sameName(digest, name));
      const facts = { id: found.Id, pinned: own ?? found.Id, sizeBytes: found.Size };
      return { facts, fromRegistry: digests.length > 0 };
    } catch (error) {
      if (hasStatus(error, 404)) return null;
      throw error;
    }
  }

  async list(): Promise<readonly HeldImage[]> {
    const images = await this.#engine.call<readonly ListedImage[]>({ method: 'GET', path: '/images/json' });
    const used = await this.#used();
    return images.map(({ Id, RepoTags, RepoDigests, Size }) => ({
      id: Id,
      references: [...(RepoTags ?? []), ...(RepoDigests ?? [])].filter((name) => !name.startsWith('<none>')),
      sizeBytes: Size,
      inUse: used.has(Id),
    }));
  }

  /** Ids of images that containers of anybody are made from. */
  async #used(): Promise<ReadonlySet<string>> {
    const containers = await this.#engine.call<readonly { readonly ImageID: string }[]>({
      method: 'GET',
      path: '/containers/json?all=1',
    });
    return new Set(containers.map(({ ImageID }) => withAlgorithm(ImageID)));
  }

  async remove(id: string): Promise<void> {
    // Each name goes alone: asked for the whole, engines refuse an image that has several without force.
    for (let names = 0; names < NAMES_MAX; names += 1) {
      const image = (await this.list()).find((held) => held.id === id);
      if (image === undefined) return;
      if (image.inUse) throw inUse(id);
      const [name = id] = image.references;
      try {
        await this.#engine.call({ method: 'DELETE', path: `/images/${encodeURIComponent(name)}` });
      } catch (error) {
        if (hasStatus(error, 409)) throw inUse(id);
        if (!hasStatus(error, 404)) throw error;
      }
    }
    throw new AppError('ENGINE_FAILED', `the container engine still has image "${id}" after its removal`);
  }

  /**
   * Which bytes this name stands for now, as a name that keeps standing for them. Asked of the registry
   * with the credential; an image that was never in a registry is named by its id. Null where nobody can
   * say at this time. Rejects where the registry says that there is no such image, or not for this login.
   */
  async resolve(
    image: string,
    credential: RegistryCredential | null,
    signal: AbortSignal,
  ): Promise<string | null> {
    const reference = referenceOf(image);
    if (reference === null) return (await this.find(image))?.pinned ?? null;
    let refusal: AppError;
    try {
      const answer = await this.#engine.call<{ readonly Descriptor?: { readonly digest?: string } }>({
        method: 'GET',
        path: `/distribution/${encodeURIComponent(image).replaceAll('%2F', '/')}/json`,
        login: loginOf(credential),
        signal,
        timeoutMs: REGISTRY_LOOK_MS,
      });
      const digest = answer.Descriptor?.digest;
      if (digest !== undefined) return `${reference.name}@${digest}`;
      return null;
    } catch (error) {
      if (!(error instanceof EngineRefusal)) {
        if (error instanceof AppError && error.code === 'ENGINE_SLOW') return null;
        throw error;
      }
      // Podman has no such call.
      if (this.#isPodman() && error.status === 404) return null;
      refusal = imageFault(error.words, { image, withLogin: credential !== null });
    }
    const here = await this.#look(image);
    // One that came from a registry is not for whoever the registry refuses, though it lies here.
    if (here !== null && (!here.fromRegistry || refusal.code === 'REGISTRY_UNREACHABLE'))
      return here.facts.pinned;
    if (refusal.code === 'REGISTRY_UNREACHABLE') return null;
    throw refusal;
  }
}

function brokenPull(image: string, cause: Error): AppError {
  if (cause instanceof AppError) {
    return new AppError('IMAGE_PULL_FAILED', `the pull of image "${image}" was given up: ${cause.message}`, {
      metadata: { image },
      cause,
    });
  }
  return new AppError('ENGINE_UNREACHABLE', `the container engine broke off the pull of image "${image}"`, {
    cause,
  });
}

function pullLine(text: string): PullLine | null {
  try {
    return JSON.parse(text) as PullLine;
  } catch {
    return null;
  }
}

/** Null for an image that is named by its id. */
function referenceOf(image: string): ImageReference | null {
  if (isImageId(image)) return null;
  const reference = parseImageReference(image);
  if (reference !== null) return reference;
  throw new AppError('VALIDATOR_PARAM', invalidImage(image), { metadata: { image: invalidImage(image) } });
}

export function invalidImage(image: string): string {
  return `image "${image}" is no image reference; one looks like "registry.example/team/app:1.2"`;
}

/** `docker.io/library/app@sha256:…` and `app` are one: engines leave out, or put in, what is usual. */
function sameName(digest: string, name: string): boolean {
  return fullName(digest.slice(0, digest.indexOf('@'))) === fullName(name);
}

function fullName(name: string): string {
  const [host = ''] = name.split('/');
  const hasHost = name.includes('/') && (/[.:]/.test(host) || host === 'localhost');
  if (hasHost) return name.replace(/^index\.docker\.io\//, 'docker.io/');
  return name.includes('/') ? `docker.io/${name}` : `docker.io/library/${name}`;
}

/** Podman leaves `sha256:` out in lists of containers. */
function withAlgorithm(id: string): string {
  return id.includes(':') ? id : `sha256:${id}`;
}

function loginOf(credential: RegistryCredential | null): EngineLogin | null {
  if (credential === null) return null;
  const { username, password, registry } = credential;
  return { username, password, serveraddress: registry };
}

function inUse(id: string): AppError {
  return new AppError(
    'CONFLICT',
    `image "${id}" is used by a container; it can be removed when none is made from it`,
  );
}
