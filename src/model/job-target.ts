import type { RevisionSpec } from './endpoint.ts';

/** Where and how the workers of a revision are sent their jobs, if they do not take them. */
export interface JobTarget {
  readonly path: string;
  /** `job`: an object with id and input. `input`: the input alone, for a server that knows of no jobs. */
  readonly body: 'job' | 'input';
}

export const JOB_PATH_VARIABLE = 'PILOTLIGHT_JOB_PATH';
export const JOB_BODY_VARIABLE = 'PILOTLIGHT_JOB_BODY';

/** Told by two of the endpoint's variables: the contract has no field for it. */
export function jobTargetOf({ envs }: Pick<RevisionSpec, 'envs'>): JobTarget {
  const valueOf = (name: string): string => envs.find(({ key }) => key === name)?.value ?? '';
  const path = valueOf(JOB_PATH_VARIABLE);
  return {
    path: path.startsWith('/') ? path : `/${path}`,
    body: valueOf(JOB_BODY_VARIABLE) === 'input' ? 'input' : 'job',
  };
}
