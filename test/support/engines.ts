/**
 * The real engines that tests may use: those of `npm run test:engines` and of CI, see
 * scripts/engines/with-engines.ts. Elsewhere there are none, and each test that needs one says so.
 */

const REQUIRED = process.env['PILOTLIGHT_TEST_ENGINES'] === 'required';

export interface TestRegistry {
  /** `host:port`; speaks plain HTTP and knows this one login. */
  readonly address: string;
  readonly username: string;
  readonly password: string;
}

export interface TestEngine {
  readonly kind: 'docker' | 'podman';
  readonly socket: string;
  /**
   * An image that is on the engine: the pinned Node as entrypoint, in /app the echo example
   * (`/app/echo/server.ts`, the command) and test/fixtures/workers. The registry has it under the
   * same name behind its own address.
   */
  readonly image: string;
  readonly registry: TestRegistry;
}

/** What to give a test as `skip`: false where there is an engine, else why there is none. */
export function engineSkip(): string | false {
  if (REQUIRED || process.env['PILOTLIGHT_TEST_DOCKER_SOCKET'] !== undefined) return false;
  return 'no engine runs for tests: npm run test:engines starts some';
}

export function testEngine(kind: TestEngine['kind']): TestEngine {
  return {
    kind,
    socket: fact(kind === 'docker' ? 'DOCKER_SOCKET' : 'PODMAN_SOCKET'),
    image: fact('IMAGE'),
    registry: {
      address: fact('REGISTRY'),
      username: fact('REGISTRY_USERNAME'),
      password: fact('REGISTRY_PASSWORD'),
    },
  };
}

function fact(name: string): string {
  const value = process.env[`PILOTLIGHT_TEST_${name}`];
  if (value === undefined) throw new Error(`PILOTLIGHT_TEST_${name} is not set: see test/support/engines.ts`);
  return value;
}
