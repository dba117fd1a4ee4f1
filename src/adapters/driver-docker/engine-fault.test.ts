import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineFault, EngineRefusal, imageFault, type EngineFailure } from './engine-fault.ts';

/** Words as Docker 20.10 and Podman 4.3 said them, and as Docker Hub does. */
const WORDS: readonly (readonly [words: string, image: string, code: string])[] = [
  [
    'manifest for r:5000/app:7 not found: manifest unknown: manifest unknown',
    'r:5000/app:7',
    'IMAGE_NOT_FOUND',
  ],
  [
    'initializing source docker://r:5000/app:7: reading manifest 7 in r:5000/app: manifest unknown: manifest unknown',
    'r:5000/app:7',
    'IMAGE_NOT_FOUND',
  ],
  [
    'manifest for r:5000/app@sha256:1 not found: manifest unknown: manifest unknown',
    'r:5000/app@sha256:1',
    'IMAGE_DIGEST_GONE',
  ],
  [
    'Head "http://r:5000/v2/app/manifests/1": no basic auth credentials',
    'r:5000/app:1',
    'IMAGE_AUTH_REQUIRED',
  ],
  ['unauthorized: authentication required', 'r:5000/app:1', 'IMAGE_AUTH_REQUIRED'],
  [
    "pull access denied for app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    'app',
    'IMAGE_AUTH_REQUIRED',
  ],
  [
    'Get "http://r:5000/v2/": dial tcp 10.0.0.1:5000: connect: connection refused',
    'r:5000/app:1',
    'REGISTRY_UNREACHABLE',
  ],
  [
    'pinging container registry r: Get "https://r/v2/": dial tcp: lookup r: no such host',
    'r/app:1',
    'REGISTRY_UNREACHABLE',
  ],
  ['write /var/lib/docker/tmp/x: no space left on device', 'app', 'DISK_FULL'],
  ['no matching manifest for linux/arm64 in the manifest list entries', 'app', 'IMAGE_NOT_SUPPORTED'],
  ['Get "https://r/v2/": unexpected EOF', 'r/app:1', 'REGISTRY_UNREACHABLE'],
  ['Get "https://r/v2/": remote error: tls: handshake failure', 'r/app:1', 'REGISTRY_UNREACHABLE'],
  ['something new', 'app', 'IMAGE_PULL_FAILED'],
  ['something new of r/geofence/tls:1', 'r/geofence/tls:1', 'IMAGE_PULL_FAILED'],
];

test('what engines say of an image that cannot be pulled gets a name', () => {
  for (const [words, image, code] of WORDS) {
    assert.equal(imageFault(words, { image, withLogin: false }).code, code, words);
  }
});

test('a login that is refused is told apart from one that is missing', () => {
  const say = (withLogin: boolean): string => imageFault('unauthorized', { image: 'app', withLogin }).message;
  assert.match(say(true), /login of registry_auth_id/);
  assert.match(say(false), /give registry_auth_id/);
});

function failure(facts: Partial<EngineFailure>): EngineFailure {
  return Object.assign(new Error('it failed'), facts);
}

const CALL = { socketPath: '/run/e.sock', request: 'GET /info', lateAfterMs: null };

test('errors of the socket say what to do; an answer keeps its status and words', () => {
  const absent = engineFault(failure({ code: 'ENOENT' }), CALL);
  assert.equal(absent.code, 'ENGINE_UNREACHABLE');
  assert.match(absent.message, /\/run\/e\.sock cannot be reached \(ENOENT\); is it running\?/);
  assert.match(engineFault(failure({ code: 'EACCES' }), CALL).message, /add the user to the group/);
  const slow = engineFault(failure({ code: 'ABORT_ERR' }), { ...CALL, lateAfterMs: 60_000 });
  assert.equal(slow.code, 'ENGINE_SLOW');
  assert.match(slow.message, /within 60 s/);
  const refusal = engineFault(
    failure({ statusCode: 409, message: '(HTTP code 409) unexpected - in\n use ' }),
    CALL,
  );
  assert.ok(refusal instanceof EngineRefusal);
  assert.deepEqual([refusal.status, refusal.words, refusal.code], [409, 'in use', 'ENGINE_FAILED']);
  const full = failure({ statusCode: 500, message: 'mkdir x: no space left on device' });
  assert.equal(engineFault(full, CALL).code, 'DISK_FULL');
});
