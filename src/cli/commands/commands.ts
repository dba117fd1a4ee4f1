import type { Command } from '../define-command.ts';
import { devicesList } from './devices/list.ts';
import { endpointsCreate } from './endpoints/create.ts';
import { endpointsDelete } from './endpoints/delete.ts';
import { endpointsGet } from './endpoints/get.ts';
import { endpointsList } from './endpoints/list.ts';
import { endpointsRollback } from './endpoints/rollback.ts';
import { endpointsSimulate } from './endpoints/simulate.ts';
import { endpointsUpdate } from './endpoints/update.ts';
import { eventsList } from './events/list.ts';
import { jobsCancel } from './jobs/cancel.ts';
import { jobsList } from './jobs/list.ts';
import { jobsRetry } from './jobs/retry.ts';
import { jobsRun } from './jobs/run.ts';
import { jobsStatus } from './jobs/status.ts';
import { jobsWatch } from './jobs/watch.ts';
import { prewarmList } from './prewarm/list.ts';
import { prewarmStart } from './prewarm/start.ts';
import { registryAuthsCreate } from './registry-auths/create.ts';
import { registryAuthsDelete } from './registry-auths/delete.ts';
import { registryAuthsList } from './registry-auths/list.ts';
import { requestsList } from './requests/list.ts';
import { rolloutGet } from './rollout/get.ts';
import { rolloutAbort, rolloutPause, rolloutPromote, rolloutResume } from './rollout/order.ts';
import { productsList } from './products/list.ts';
import { revisionsGet } from './revisions/get.ts';
import { revisionsList } from './revisions/list.ts';
import { volumesCreate } from './volumes/create.ts';
import { volumesDelete } from './volumes/delete.ts';
import { volumesGrow } from './volumes/grow.ts';
import { volumesList } from './volumes/list.ts';
import { workersGet } from './workers/get.ts';
import { workersList } from './workers/list.ts';
import { workersLogs } from './workers/logs.ts';

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [
  endpointsList,
  endpointsGet,
  endpointsCreate,
  endpointsUpdate,
  endpointsRollback,
  endpointsDelete,
  endpointsSimulate,
  revisionsList,
  revisionsGet,
  rolloutGet,
  rolloutPause,
  rolloutResume,
  rolloutPromote,
  rolloutAbort,
  eventsList,
  requestsList,
  jobsRun,
  jobsStatus,
  jobsWatch,
  jobsCancel,
  jobsRetry,
  jobsList,
  workersList,
  workersGet,
  workersLogs,
  productsList,
  devicesList,
  registryAuthsList,
  registryAuthsCreate,
  registryAuthsDelete,
  volumesList,
  volumesCreate,
  volumesGrow,
  volumesDelete,
  prewarmStart,
  prewarmList,
];
