import type { JobStore } from '../../ports/job-store.ts';
import type { JobAnswer, JobCall, JobMethod } from './jobs/job-calls.ts';
import type { InThread } from './jobs/job-tables.ts';
import { SqliteChannel, threadFile } from './sqlite-channel.ts';

type Methods = InThread<JobStore>;

export interface JobConnection {
  run(call: JobCall): Promise<JobAnswer>;
  close(): Promise<void>;
}

/**
 * Opens the jobs' own database for this process alone. It has a file and a thread apart from the
 * other records: jobs come by thousands a second, and neither waits for the other's commits.
 */
export async function openSqliteJobStore({ path }: { readonly path: string }): Promise<JobStore> {
  return jobStoreOn(await SqliteChannel.open<JobCall, JobAnswer>(path, threadFile('job-thread')));
}

/** The store on whatever runs its calls. */
export function jobStoreOn(connection: JobConnection): JobStore {
  const call =
    <Name extends JobMethod>(method: Name) =>
    async (...parameters: Parameters<Methods[Name]>): Promise<ReturnType<Methods[Name]>> => {
      const { value } = await connection.run({ method, parameters });
      // The thread ran the method of this name, so it is that method's answer.
      return value as ReturnType<Methods[Name]>;
    };
  return {
    recover: call('recover'),
    jobInsert: call('jobInsert'),
    jobLease: call('jobLease'),
    jobEnd: call('jobEnd'),
    jobRequeue: call('jobRequeue'),
    jobCancelWaiting: call('jobCancelWaiting'),
    jobRetry: call('jobRetry'),
    jobFind: call('jobFind'),
    jobList: call('jobList'),
    waitingList: call('waitingList'),
    waitingPurge: call('waitingPurge'),
    waitingExpire: call('waitingExpire'),
    endedSweep: call('endedSweep'),
    endpointSweep: call('endpointSweep'),
    partAppend: call('partAppend'),
    partRead: call('partRead'),
    deliveryDue: call('deliveryDue'),
    deliveryUpdate: call('deliveryUpdate'),
    deliveryList: call('deliveryList'),
    deliveryReplay: call('deliveryReplay'),
    close: async () => await connection.close(),
  };
}
