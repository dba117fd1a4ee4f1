import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessDriver } from '../adapters/driver-process/process-driver.ts';
import { createSimulatedDriver } from '../adapters/driver-simulated/simulated-driver.ts';
import { createJsonLog } from '../adapters/log-json.ts';
import { createPrometheusMetrics } from '../adapters/metrics-prometheus.ts';
import { openNvidiaSmi } from '../adapters/nvidia-smi/nvidia-smi-watch.ts';
import { openKeyFile } from '../adapters/key-file.ts';
import { createHttpReadiness } from '../adapters/readiness-http.ts';
import { openSqliteJobStore } from '../adapters/store-sql/sqlite-job-store.ts';
import { openSqliteStore } from '../adapters/store-sql/sqlite-store.ts';
import { openSecrets } from '../adapters/secrets-key.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { systemRandom } from '../adapters/system-random.ts';
import { createWebhookSender } from '../adapters/webhook-http.ts';
import { openVolumeFolders } from '../adapters/volume-folders.ts';
import { EventReaders } from '../api/event-readers.ts';
import { buildApi } from '../api/build-api.ts';
import { forwardClock, type Clock } from '../base/clock.ts';
import type { OwnerId, WorkerId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import { ArrivalLog } from '../control/arrival-log.ts';
import { Control } from '../control/control.ts';
import { WhatIfCommands } from '../control/what-if-commands.ts';
import { JobCommands } from '../jobs/job-commands.ts';
import { Jobs } from '../jobs/jobs.ts';
import { Webhooks } from '../jobs/webhooks.ts';
import type { GatewayOptions } from '../gateway/gateway.ts';
import type { DeviceWatch } from '../ports/device-watch.ts';
import type { Driver, Readiness } from '../ports/driver.ts';
import type { Log } from '../ports/log.ts';
import type { ApiKey, Store } from '../ports/store.ts';
import type { TrafficListener } from '../ports/traffic.ts';
import { ApiRequests } from './api-requests.ts';
import { readCertificate } from './certificate-files.ts';
import { describeConfig, publicBase, workerBase, type Config, type Environment } from './config.ts';
import { engineSocket } from './engine-socket.ts';
import { listen, openFront, openHttp, tuneInside } from './gateways/open-front.ts';
import { hostDevices } from './host-devices.ts';
import { SimulationThreads } from './simulation-threads.ts';
import { trafficByType } from './traffic-by-type.ts';
import { VERSION } from './version.ts';
import { WorkerSide } from './worker-side.ts';

export interface PilotlightServer {
  /** The address it listens on, with the port that was chosen. */
  readonly url: string;
  readonly port: number;
  /** Resolves when the server can no longer keep its promises and must end; rejects never. */
  readonly fatal: Promise<unknown>;
  /** Reads the certificate's files again; what cannot be used is logged, and the one before stays. */
  reloadCertificate(): void;
  /** Takes no new request, lets those it took end, and leaves all workers running. */
  close(): Promise<void>;
}

/**
 * Builds the whole server from its configuration and lets it listen. `onNewApiKey` is told the admin
 * key that is made where there is none.
 */
export async function openServer(
  config: Config,
  environment: Environment,
  onNewApiKey: (key: string) => void,
): Promise<PilotlightServer> {
  const { certificate: certificateFiles } = config.listen;
  const certificate = certificateFiles === null ? null : readCertificate(certificateFiles);
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const clock = forwardClock(systemClock());
  const random = systemRandom();
  const log = createJsonLog({ level: config.logLevel });
  const metrics = createPrometheusMetrics();
  const store = await openSqliteStore({ path: join(config.dataDir, 'pilotlight.sqlite') });
  const keys = await adminKeys(store, config.access.apiKey, clock.nowMs(), onNewApiKey);
  const apiKeys = (sha256Hex: string): ApiKey | undefined => keys.get(sha256Hex);
  const arrivals = new ArrivalLog({ clock, random, store, metrics, log, ...config.record });
  const deviceWatch = looksAtDevices(config) ? openNvidiaSmi({ clock, environment }) : null;
  const { driver, readiness, noticed } = await openDriver(config, environment, {
    clock,
    random,
    log,
    deviceWatch,
  });

  // Gateway and control know each other by ports alone; what joins them is this one reference.
  let listener: TrafficListener | null = null;
  const told = (): TrafficListener => {
    if (listener === null) throw new Error('impossible (compose-1c55): traffic before control');
    return listener;
  };
  const traffic: TrafficListener = {
    requestWaiting: (...facts) => told().requestWaiting(...facts),
    requestGone: (...facts) => told().requestGone(...facts),
    requestStarted: (...facts) => told().requestStarted(...facts),
    requestAnswered: (...facts) => told().requestAnswered(...facts),
    requestEnded: (...facts) => told().requestEnded(...facts),
    workerDrained: (...facts) => told().workerDrained(...facts),
    workerLeft: (...facts) => told().workerLeft(...facts),
    workerSpent: (...facts) => told().workerSpent(...facts),
  };
  const gatewayOptions: GatewayOptions = {
    clock,
    random,
    listener: traffic,
    apiKeys,
    log,
    metrics,
    arrivals,
    limits: { waitingPerEndpoint: config.gateway.queueLimit, connections: config.gateway.connections },
    domain: config.listen.domain,
    certificate,
  };
  const { front, gateway } = openFront(config, gatewayOptions, keys);

  const fatal = Promise.withResolvers<unknown>();
  const jobStore = await openSqliteJobStore({ path: join(config.dataDir, 'jobs.sqlite') });
  const jobs = await Jobs.open({
    clock,
    store: jobStore,
    listener: traffic,
    log,
    metrics,
    arrivals,
    limits: config.jobs,
    onFatal: (error) => fatal.resolve(error),
  });
  const jobsKey = openKeyFile(join(config.dataDir, 'jobs.key'));
  const webhooks = new Webhooks({
    clock,
    random,
    log,
    store: jobStore,
    sender: createWebhookSender({ allow: config.jobs.webhookAllow }),
    key: jobsKey,
  });
  jobs.onDelivery = () => webhooks.wake();
  const workerSide = new WorkerSide({
    clock,
    log,
    jobs,
    key: jobsKey,
    workerFind: (endpointId, workerId) => control.workerFind(endpointId, workerId),
    readiness,
    noticed,
    sendAlways: config.workers.driver === 'simulated',
  });
  const http = openHttp(config, gatewayOptions);
  if (gateway !== null) gateway.tuneServer(http);
  else tuneInside(http, gatewayOptions);
  const { domain } = config.listen;
  // Known once the port is, and asked for by requests alone, which come later still.
  let base = '';
  const control = await Control.open({
    clock,
    random,
    log,
    metrics,
    store,
    driver,
    readiness: workerSide.readiness,
    deviceWatch,
    secrets: openSecrets({
      key: config.access.secretKey === null ? null : Buffer.from(config.access.secretKey, 'base64'),
      keyFile: join(config.dataDir, 'secret.key'),
    }),
    volumeFolders: openVolumeFolders(config.volumeDir ?? join(config.dataDir, 'volumes')),
    traffic: trafficByType(front.traffic, jobs),
    onListener: (given) => {
      listener = given;
    },
    options: {
      rollout: config.rollout,
      startDeadlineMs: config.workers.startDeadlineMs,
      stopGraceMs: config.workers.stopGraceMs,
      images: config.images,
      prices: config.workers.prices,
      deviceOthersShare: config.workers.gpuOthersShare,
      urlOf: ({ id, type, appName }) =>
        type === 'async' ? `${base}/v1/${id}-${appName}` : endpointUrl(base, domain, id, appName),
      workerVariables: (endpoint, workerId) => workerSide.variablesOf(endpoint, workerId),
    },
    onForgotten: (endpointId) => arrivals.forget(endpointId),
    onFatal: (error) => fatal.resolve(error),
  });

  jobs.start((endpointId, workerId) => control.workerFind(endpointId, workerId) !== null);
  const jobCommands = new JobCommands({
    clock,
    random,
    store: jobStore,
    jobs,
    webhooks,
    workerStates: (endpointId) => control.workerStates(endpointId),
  });

  const simulator = new SimulationThreads(clock, config.simulation);
  const whatIf = new WhatIfCommands({
    clock,
    store,
    simulator,
    endpoints: control.service,
    flushArrivals: async () => await arrivals.flush(),
    checkSpec: (spec) => control.checkSpec(spec),
  });
  let serving = true;
  const eventReaders = new EventReaders(clock);
  const api = buildApi({
    eventReaders,
    service: control.service,
    resources: control.resources,
    whatIf,
    jobs: jobCommands,
    jobLimits: jobs.limits,
    apiKeys,
    log,
    clock,
    version: VERSION,
    isServing: () => serving,
    readMetrics: async () => await metrics.read(),
  });
  await api.ready();
  const apiRequests = new ApiRequests(clock);
  http.on('request', (request, response) => {
    if (gateway?.matches(request) === true) gateway.handle(request, response);
    else {
      apiRequests.take(request, response);
      if (workerSide.requests.matches(request)) workerSide.requests.handle(request, response);
      else api.routing(request, response);
    }
  });
  if (gateway !== null)
    http.on('upgrade', (request, socket, head) => gateway.handleUpgrade(request, socket, head));
  front.serveInside(http);
  // Last of all: a request that came in before somebody listens to it would never be answered.
  const port = await listen(front, config);
  base = publicBase(config.listen, port);
  const hostAddress = driver.hostAddress?.() ?? null;
  const workersBase = config.workers.url ?? workerBase(config.listen, port, hostAddress);
  // A container has another loopback than the server.
  const near = config.workers.driver !== 'docker' || (hostAddress !== null && !isLoopback(workersBase));
  const certain = config.workers.url !== null || near;
  workerSide.listening(workersBase, certain);
  if (!certain) {
    const advice = `listen on 0.0.0.0 or on ${hostAddress ?? 'an address they reach'}, or set PILOTLIGHT_WORKER_URL`;
    log.info('workers in containers do not reach the server, and take no jobs', { url: workersBase, advice });
  }
  log.info('serving', { url: base, version: VERSION, ...describeConfig(config) });

  return {
    url: base,
    port,
    fatal: fatal.promise,
    reloadCertificate() {
      if (certificateFiles === null) return;
      try {
        front.setCertificate(readCertificate(certificateFiles));
        log.info('the certificate was read again', { ...certificateFiles });
      } catch (error) {
        log.error('the certificate could not be read again, the one before is kept', { error });
      }
    },
    async close() {
      serving = false;
      eventReaders.close();
      jobs.close();
      workerSide.requests.close();
      // Two lives: first what clients hold, then what it stands on.
      const closed = front.stopListening();
      front.closeIdleConnections();
      const limit = Promise.withResolvers<void>();
      const cancel = clock.schedule(config.shutdown.drainLimitMs, () => limit.resolve());
      const simulated = simulator.close();
      const drained = Promise.all([front.beginDrain(), workerSide.push.beginDrain()]);
      await Promise.race([drained.then(() => apiRequests.drained()), limit.promise]);
      cancel();
      workerSide.push.close();
      front.closeIdleConnections();
      front.closeAllConnections();
      await closed;
      await front.close();
      await api.close();
      await simulated;
      await control.close();
      await webhooks.close();
      await jobStore.close();
      await arrivals.close();
      await driver.close();
      await deviceWatch?.close();
      await store.close();
      log.info('stopped; workers run on');
    },
  };
}

interface DriverParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly deviceWatch: DeviceWatch | null;
}

/** Simulated workers have the devices they are given, others what there is unless it is configured. */
function looksAtDevices({ workers }: Config): boolean {
  return workers.driver !== 'simulated' && workers.gpuCount === null;
}

async function openDriver(
  config: Config,
  environment: Environment,
  { clock, random, log, deviceWatch }: DriverParts,
): Promise<{ driver: Driver; readiness: Readiness; noticed: (workerId: WorkerId) => void }> {
  if (config.workers.driver === 'simulated') {
    const driver = createSimulatedDriver({
      clock,
      random,
      devices: config.workers.gpuCount ?? 4,
      answer: true,
    });
    return { driver, readiness: driver.readiness, noticed: () => undefined };
  }
  const parts = {
    dataDir: config.dataDir,
    clock,
    log,
    hostDevices: async () => await hostDevices(config.workers.gpuCount, deviceWatch, log),
  };
  const readiness = createHttpReadiness({ clock });
  const noticed = (workerId: WorkerId): void => readiness.noticed(workerId);
  if (config.workers.driver === 'docker') {
    // Its packages are many: who has no use for them does not load them.
    const { createDockerDriver } = await import('../adapters/driver-docker/docker-driver.ts');
    const { socketPath, ...limits } = config.containers;
    const socket = engineSocket(socketPath, environment);
    return { driver: createDockerDriver({ ...parts, socketPath: socket, limits }), readiness, noticed };
  }
  const driver = createProcessDriver({ ...parts, random, environment, onNotice: noticed });
  return { driver, readiness, noticed };
}

function isLoopback(base: string): boolean {
  return /^https?:\/\/(?:127\.|localhost[:/]|\[::1\])/.test(base);
}

function endpointUrl(base: string, domain: string | null, id: string, appName: string): string {
  const label = `${id}-${appName}`;
  // A DNS label has at most 63 characters: a longer name is reached by path.
  if (domain === null || label.length > 63) return `${base}/e/${id}`;
  const url = new URL(base);
  return `${url.protocol}//${label}.${domain}${url.port === '' ? '' : `:${url.port}`}`;
}

/** The known keys; makes the first one where there is none. The key itself is never stored. */
async function adminKeys(
  store: Store,
  configured: string | null,
  nowMs: number,
  onNewApiKey: (key: string) => void,
): Promise<ReadonlyMap<string, ApiKey>> {
  const stored = await store.apiKeyList();
  const keys = new Map(stored.map((key) => [key.hash, key]));
  const missing = configured !== null ? !keys.has(hashOf(configured)) : keys.size === 0;
  if (!missing) return keys;
  const key = configured ?? `pl_${randomBytes(24).toString('base64url')}`;
  const admin: ApiKey = {
    hash: hashOf(key),
    ownerId: stored[0]?.ownerId ?? (randomUUID() as OwnerId),
    name: 'admin',
    admin: true,
    createdAtMs: nowMs,
  };
  // Told before it is stored: a start that is broken off in between makes another one the next time,
  // where the other order would leave a key that nobody knows.
  if (configured === null) onNewApiKey(key);
  await store.apiKeyInsert(admin);
  keys.set(admin.hash, admin);
  return keys;
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
