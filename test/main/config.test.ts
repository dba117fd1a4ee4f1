import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  addressText,
  configHelp,
  describeConfig,
  parseConfig,
  publicBase,
  workerBase,
  type Config,
  type Environment,
} from '../../src/main/config.ts';

function configOf(argv: readonly string[], environment: Environment = {}): Config {
  const result = parseConfig(argv, environment);
  assert.ok('config' in result, `refused: ${JSON.stringify(result)}`);
  return result.config;
}

function faultsOf(argv: readonly string[], environment: Environment = {}): readonly string[] {
  const result = parseConfig(argv, environment);
  assert.ok('faults' in result, 'these settings should have been refused');
  return result.faults;
}

function warningsOf(environment: Environment): readonly string[] {
  const result = parseConfig([], environment);
  assert.ok('warnings' in result);
  return result.warnings;
}

describe('the defaults', () => {
  test('are the documented ones', () => {
    assert.deepEqual(configOf([]), {
      listen: { host: '127.0.0.1', port: 8080, publicUrl: null, domain: null, certificate: null },
      access: { apiKey: null, secretKey: null },
      dataDir: resolve('.pilotlight'),
      volumeDir: null,
      images: { unusedMs: 604_800_000, bytes: null },
      workers: {
        driver: 'process',
        gpuCount: null,
        gpuOthersShare: 0.1,
        prices: new Map(),
        startDeadlineMs: 600_000,
        url: null,
        stopGraceMs: 30_000,
      },
      containers: {
        socketPath: null,
        memoryMib: null,
        pids: 4_096,
        sharedMemoryMib: 1_024,
        capabilities: [],
        readOnly: false,
      },
      rollout: {
        maxSurge: { value: 1, unit: 'workers' },
        firstStep: { value: 1, unit: 'workers' },
        bakeMs: 10_000,
        bakeRequests: 20,
        watchMs: 60_000,
        drainDeadlineMs: 1_800_000,
        guard: { enabled: true, slowdown: 1.5, minFailures: 3 },
      },
      jobs: {
        waitingPerEndpoint: 1_000_000,
        inputBytes: 4_194_304,
        outputBytes: 4_194_304,
        keptMs: 21_600_000,
        attempts: 3,
        webhookAllow: [],
      },
      gateway: { queueLimit: 10_000, connections: 15_000, forwarder: 'strict', threads: 1 },
      simulation: { atOnce: 1, limitMs: 300_000 },
      record: { keptMs: 2_592_000_000, bytesPerEndpoint: 67_108_864 },
      shutdown: { drainLimitMs: 1_800_000 },
      logLevel: 'info',
    });
  });

  test('an empty variable counts as unset', () => {
    assert.deepEqual(configOf([], { PILOTLIGHT_LISTEN: '', PILOTLIGHT_API_KEY: '' }), configOf([]));
  });

  test('the result cannot be changed', () => {
    const config = configOf([]);
    assert.throws(() => Object.assign(config.listen, { port: 1 }), TypeError);
    assert.throws(() => Object.assign(config, { dataDir: '/' }), TypeError);
  });
});

describe('flags and variables', () => {
  test('every setting is read from both, with the same result', () => {
    const samples: readonly (readonly [string, string, string])[] = [
      ['LISTEN', '--listen', '0.0.0.0:0'],
      ['DATA_DIR', '--data-dir', '/var/lib/pilotlight'],
      ['VOLUME_DIR', '--volume-dir', '/srv/volumes'],
      ['SECRET_KEY', '--secret-key', Buffer.alloc(32, 7).toString('base64')],
      ['IMAGE_HOURS', '--image-hours', '0'],
      ['IMAGE_GB', '--image-gb', '500'],
      ['API_KEY', '--api-key', 'k'.repeat(32)],
      ['DRIVER', '--driver', 'simulated'],
      ['DOCKER_SOCKET', '--docker-socket', '/run/engine.sock'],
      ['CONTAINER_MEMORY_MIB', '--container-memory-mib', '2048'],
      ['CONTAINER_PIDS', '--container-pids', '100'],
      ['CONTAINER_SHM_MIB', '--container-shm-mib', '64'],
      ['CONTAINER_CAPABILITIES', '--container-capabilities', 'CHOWN,SETUID'],
      ['CONTAINER_READ_ONLY', '--container-read-only', 'on'],
      ['GPUS', '--gpus', '4'],
      ['GPU_OTHERS_PERCENT', '--gpu-others-percent', '20'],
      ['PRICES', '--prices', 'gpu=1.2,cpu=0.05'],
      ['DOMAIN', '--domain', 'gpu.example.com'],
      ['PUBLIC_URL', '--public-url', 'https://gpu.example.com/base/'],
      ['WORKER_URL', '--worker-url', 'http://10.0.0.1:8080/'],
      ['LOG_LEVEL', '--log-level', 'debug'],
      ['START_DEADLINE_SECONDS', '--start-deadline-seconds', '7'],
      ['MAX_SURGE', '--max-surge', '0'],
      ['FIRST_STEP', '--first-step', '25%'],
      ['BAKE_SECONDS', '--bake-seconds', '0'],
      ['BAKE_REQUESTS', '--bake-requests', '5'],
      ['WATCH_SECONDS', '--watch-seconds', '0'],
      ['GUARD', '--guard', 'off'],
      ['GUARD_SLOWDOWN', '--guard-slowdown', '2.5'],
      ['GUARD_FAILURES', '--guard-failures', '5'],
      ['DRAIN_SECONDS', '--drain-seconds', '0'],
      ['QUEUE_LIMIT', '--queue-limit', '1'],
      ['CONNECTION_LIMIT', '--connection-limit', '9'],
      ['JOB_QUEUE_LIMIT', '--job-queue-limit', '7'],
      ['JOB_INPUT_MIB', '--job-input-mib', '20'],
      ['JOB_OUTPUT_MIB', '--job-output-mib', '1'],
      ['JOB_KEPT_HOURS', '--job-kept-hours', '48'],
      ['JOB_ATTEMPTS', '--job-attempts', '1'],
      ['WEBHOOK_ALLOW', '--webhook-allow', '127.0.0.1,10.0.0.0/8,fd00::/8'],
      ['FORWARDER', '--forwarder', 'general'],
      ['GATEWAYS', '--gateways', '2'],
      ['RECORD_DAYS', '--record-days', '7'],
      ['RECORD_MIB', '--record-mib', '1'],
      ['SIMULATIONS', '--simulations', '2'],
      ['SIMULATION_SECONDS', '--simulation-seconds', '60'],
      ['STOP_GRACE_SECONDS', '--stop-grace-seconds', '1'],
      ['SHUTDOWN_SECONDS', '--shutdown-seconds', '9'],
    ];
    // Which go together, and so are none of the samples.
    const pairs = 2;
    assert.equal(samples.length + pairs, Object.keys(describeConfig(configOf([]))).length);
    for (const [key, flag, value] of samples) {
      const byVariable = configOf([], { [`PILOTLIGHT_${key}`]: value });
      assert.notDeepEqual(byVariable, configOf([]), `${key} has no effect`);
      assert.deepEqual(configOf([flag, value]), byVariable, flag);
      assert.deepEqual(configOf([`${flag}=${value}`]), byVariable, flag);
    }
  });

  test('a certificate goes with its key', () => {
    const given = configOf(['--tls-cert=/srv/cert.pem'], { PILOTLIGHT_TLS_KEY: '/srv/key.pem' });
    assert.deepEqual(given.listen.certificate, { cert: '/srv/cert.pem', key: '/srv/key.pem' });
    for (const flag of ['--tls-cert=/srv/cert.pem', '--tls-key=/srv/key.pem']) {
      assert.match(faultsOf([flag])[0] ?? '', /^PILOTLIGHT_TLS_CERT and PILOTLIGHT_TLS_KEY go together/);
    }
  });

  test('a flag goes before its variable, also before a wrong one', () => {
    assert.equal(configOf(['--gpus=2'], { PILOTLIGHT_GPUS: 'many' }).workers.gpuCount, 2);
  });

  test('an unknown flag is refused with the nearest known one, and its value is not a second fault', () => {
    assert.deepEqual(faultsOf(['--lisen', '127.0.0.1:1']), ['unknown flag --lisen; did you mean --listen?']);
    assert.deepEqual(faultsOf(['--colour=red']), ['unknown flag --colour; --help lists them all']);
  });

  test('a flag without a value, a repeated flag and a stray word are refused', () => {
    assert.deepEqual(faultsOf(['--listen', '--gpus=1']), ['--listen needs a value, as in --listen=…']);
    assert.deepEqual(faultsOf(['--domain=']), ['--domain needs a value, as in --domain=…']);
    assert.deepEqual(faultsOf(['--gpus=1', '--gpus=2']), ['--gpus is given more than once']);
    assert.deepEqual(faultsOf(['start']), ['unexpected argument "start": only --flags are taken']);
  });

  test('an unknown PILOTLIGHT_ variable is warned of, other programs’ variables are not', () => {
    assert.deepEqual(warningsOf({ PILOTLIGHT_LISTN: 'x', PILOTLIGHT_URL: 'x', PATH: 'x' }), [
      'the variable PILOTLIGHT_LISTN is not known and has no effect; did you mean PILOTLIGHT_LISTEN?',
    ]);
  });
});

describe('bounds', () => {
  const integers: readonly (readonly [string, number, number])[] = [
    ['GPUS', 0, 1_024],
    ['START_DEADLINE_SECONDS', 1, 86_400],
    ['BAKE_SECONDS', 0, 3_600],
    ['BAKE_REQUESTS', 0, 100_000],
    ['WATCH_SECONDS', 0, 86_400],
    ['GUARD_FAILURES', 1, 1_000],
    ['DRAIN_SECONDS', 0, 86_400],
    ['QUEUE_LIMIT', 1, 1_000_000],
    ['CONNECTION_LIMIT', 1, 1_000_000],
    ['GATEWAYS', 1, 16],
    ['JOB_QUEUE_LIMIT', 1, 100_000_000],
    ['JOB_INPUT_MIB', 1, 20],
    ['JOB_OUTPUT_MIB', 1, 20],
    ['JOB_KEPT_HOURS', 1, 720],
    ['JOB_ATTEMPTS', 1, 100],
    ['STOP_GRACE_SECONDS', 0, 3_600],
    ['SHUTDOWN_SECONDS', 0, 86_400],
  ];
  for (const [name, min, max] of integers) {
    test(`${name} is an integer from ${min} to ${max}`, () => {
      const key = `PILOTLIGHT_${name}`;
      configOf([], { [key]: String(min) });
      configOf([], { [key]: String(max) });
      for (const wrong of [
        String(min - 1),
        String(max + 1),
        '1.5',
        '1e2',
        ' 1',
        'all',
        '0x1',
        '9'.repeat(40),
      ]) {
        assert.deepEqual(faultsOf([], { [key]: wrong }), [
          `${key} must be an integer from ${min} to ${max}; given ${JSON.stringify(wrong)}`,
        ]);
      }
    });
  }

  test('several gateways have the strict forwarder, and refuse to be given the other', () => {
    assert.equal(configOf(['--gateways=2']).gateway.forwarder, 'strict');
    assert.equal(configOf(['--gateways=2', '--forwarder=strict']).gateway.threads, 2);
    assert.equal(configOf(['--gateways=1', '--forwarder=general']).gateway.forwarder, 'general');
    assert.match(
      faultsOf(['--gateways=2'], { PILOTLIGHT_FORWARDER: 'general' })[0] ?? '',
      /^PILOTLIGHT_GATEWAYS is 2, .*PILOTLIGHT_FORWARDER is general: set it to strict, or leave it out/,
    );
  });

  test('surge and first step are workers or a share of them', () => {
    assert.deepEqual(configOf(['--max-surge=25%']).rollout.maxSurge, { value: 25, unit: 'percent' });
    assert.deepEqual(configOf(['--first-step=3']).rollout.firstStep, { value: 3, unit: 'workers' });
    assert.deepEqual(configOf(['--max-surge=0%']).rollout.maxSurge.value, 0);
    for (const wrong of ['1001', '101%', '-1', '1.5', '%', '5 %']) {
      assert.match(
        faultsOf([`--max-surge=${wrong}`])[0] ?? '',
        /^--max-surge must be a number of workers/,
        wrong,
      );
    }
    for (const wrong of ['0', '0%', '101%']) {
      assert.match(faultsOf([`--first-step=${wrong}`])[0] ?? '', /^--first-step must be/, wrong);
    }
  });

  test('the slowdown is a number above 1', () => {
    assert.equal(configOf(['--guard-slowdown=1.1']).rollout.guard.slowdown, 1.1);
    for (const wrong of ['1', '101', 'x', '-2', '1e1']) {
      assert.match(
        faultsOf([`--guard-slowdown=${wrong}`])[0] ?? '',
        /must be a number from 1.1 to 100/,
        wrong,
      );
    }
  });

  test('the address is host:port, IPv6 in brackets', () => {
    assert.deepEqual(configOf(['--listen=[::1]:0']).listen, {
      host: '::1',
      port: 0,
      publicUrl: null,
      domain: null,
      certificate: null,
    });
    assert.equal(configOf(['--listen=my-host.local:65535']).listen.host, 'my-host.local');
    for (const wrong of [
      '8080',
      ':8080',
      '::1:8080',
      'host:',
      'host:65536',
      'host:-1',
      'http://host:80',
      'a b:1',
    ]) {
      assert.match(faultsOf([`--listen=${wrong}`])[0] ?? '', /^--listen must be host:port/, wrong);
    }
  });

  test('the driver is one of those that exist', () => {
    assert.deepEqual(faultsOf(['--driver=kubernetes']), [
      '--driver must be one of process, docker, simulated; given "kubernetes"',
    ]);
  });

  test('the engine’s socket is a path, however DOCKER_HOST would have it', () => {
    assert.equal(configOf(['--docker-socket=unix:///run/e.sock']).containers.socketPath, '/run/e.sock');
    for (const wrong of ['tcp://127.0.0.1:2375', 'unix://', `/${'long'.repeat(30)}`]) {
      assert.equal(faultsOf([`--docker-socket=${wrong}`]).length, 1, wrong);
    }
  });

  test('capabilities are names, with or without CAP_', () => {
    assert.deepEqual(configOf(['--container-capabilities=cap_chown, SETUID,CHOWN']).containers.capabilities, [
      'CHOWN',
      'SETUID',
    ]);
    for (const wrong of ['CHOWN;SETUID', 'ALL THINGS', ',']) {
      assert.equal(faultsOf([`--container-capabilities=${wrong}`]).length, 1, wrong);
    }
  });

  test('the domain is a name without anything around it', () => {
    assert.equal(configOf(['--domain=GPU.Example.com']).listen.domain, 'gpu.example.com');
    for (const wrong of ['https://a.b', 'a.b:80', 'a..b', '-a.b', 'a-.b', 'a.b.', `${'a'.repeat(64)}.b`]) {
      assert.equal(faultsOf([`--domain=${wrong}`]).length, 1, wrong);
    }
  });

  test('the public address is http or https and loses its final slash', () => {
    assert.equal(configOf(['--public-url=http://a.b:80/x/']).listen.publicUrl, 'http://a.b/x');
    for (const wrong of ['a.b', 'ftp://a.b', 'http://user@a.b', 'http://a.b/?q=1', 'http://a.b/#f']) {
      assert.equal(faultsOf([`--public-url=${wrong}`]).length, 1, wrong);
    }
  });

  test('a short key is taken with a warning, a key with spaces is refused and never repeated', () => {
    assert.match(warningsOf({ PILOTLIGHT_API_KEY: 'short' })[0] ?? '', /has 5 characters/);
    const [fault = ''] = faultsOf([], { PILOTLIGHT_API_KEY: 'my secret key' });
    assert.match(fault, /^PILOTLIGHT_API_KEY must be/);
    assert.doesNotMatch(fault, /secret/);
  });
});

describe('what is told', () => {
  test('all faults come back together', () => {
    const faults = faultsOf(['--gpus=x', '--listen=y', '--what'], { PILOTLIGHT_DRIVER: 'z' });
    assert.deepEqual(
      faults.map((fault) => fault.split(' ')[0]),
      ['unknown', '--listen', 'PILOTLIGHT_DRIVER', '--gpus'],
    );
  });

  test('the description names every setting and no secret', () => {
    const facts = describeConfig(configOf(['--api-key', 'this-is-very-secret', '--gpus=2']));
    assert.equal(facts['PILOTLIGHT_API_KEY'], '(set)');
    assert.equal(facts['PILOTLIGHT_LISTEN'], '127.0.0.1:8080');
    assert.equal(facts['PILOTLIGHT_GPUS'], '2');
    assert.equal(facts['PILOTLIGHT_DOMAIN'], '(unset)');
    assert.doesNotMatch(JSON.stringify(facts), /very-secret/);
  });

  test('what is described can be given again and means the same', () => {
    const config = configOf(['--listen=[::1]:9000', '--bake-seconds=3', '--public-url=http://a.b']);
    const facts = Object.entries(describeConfig(config)).filter(([, value]) => value !== '(unset)');
    assert.deepEqual(configOf([], Object.fromEntries(facts)), config);
  });

  test('the help lists every variable', () => {
    for (const key of Object.keys(describeConfig(configOf([])))) assert.ok(configHelp().includes(key), key);
  });

  test('the public base is made of the address listened on, unless it is given', () => {
    assert.equal(publicBase(configOf(['--listen=0.0.0.0:0']).listen, 4_321), 'http://127.0.0.1:4321');
    assert.equal(publicBase(configOf(['--listen=[::]:0']).listen, 4_321), 'http://[::1]:4321');
    assert.equal(publicBase(configOf(['--public-url=https://a.b']).listen, 4_321), 'https://a.b');
    const everywhere = configOf(['--listen=0.0.0.0:80', '--public-url=https://a.b']).listen;
    assert.equal(workerBase(everywhere, 80), 'http://127.0.0.1:80');
    assert.equal(workerBase(everywhere, 80, '172.17.0.1'), 'http://172.17.0.1:80');
    assert.equal(
      workerBase(configOf(['--listen=10.0.0.9:80']).listen, 80, '172.17.0.1'),
      'http://10.0.0.9:80',
    );
    assert.equal(addressText('::1', 1), '[::1]:1');
  });
});

test('no argument and no variable can make it throw', () => {
  const keys = Object.keys(describeConfig(configOf([])));
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('--listen', '--gpus', '--gpus=1', '--'))),
      fc.dictionary(fc.constantFrom(...keys), fc.string()),
      (argv, environment) => {
        const result = parseConfig(argv, environment);
        assert.ok('config' in result || result.faults.length > 0);
      },
    ),
  );
});
