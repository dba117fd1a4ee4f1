import type { JobService } from '../../src/ports/job-service.ts';

/** Of an API whose tests ask for no job. */
export function stubJobService(): JobService {
  const never = (): never => {
    throw new Error('no test of this API asks for jobs');
  };
  return {
    run: never,
    status: never,
    stream: never,
    cancel: never,
    retry: never,
    purge: never,
    health: never,
    list: never,
    deliveries: never,
    replay: never,
    webhookSecret: never,
  };
}
