import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { ROLLOUT_COMMANDS, type RolloutCommand } from '../../model/rollout-order.ts';
import type { EndpointService } from '../../ports/endpoint-service.ts';
import { callerOf } from '../auth.ts';
import { NO_QUERY } from '../change-terms.ts';
import { ERROR_ANSWERS } from '../declared-answers.ts';
import { rolloutDetails } from '../rollout-wire.ts';
import { EndpointPath } from './endpoints.ts';

const WHAT_IT_DOES: Readonly<
  Record<RolloutCommand, { readonly summary: string; readonly description: string }>
> = {
  pause: {
    summary: 'Hold a rollout still',
    description:
      'It takes no further step until it is resumed. What serves goes on serving, and the guard goes on too.',
  },
  resume: { summary: 'Let a paused rollout go on', description: 'One that is not paused stays as it is.' },
  promote: {
    summary: 'Let a rollout go on without proof',
    description:
      'The new revision is not proven, guarded or watched any more; it takes over as its workers get ready.',
  },
  abort: {
    summary: 'Go back to the former revision',
    description: 'The new revision gets no further request; what it runs goes on to its end.',
  },
};

/** All of them go beyond the vendor's contract. */
export function rolloutRoutes(app: FastifyInstance, service: EndpointService): void {
  app.get<{ Params: { endpoint_id: string } }>(
    '/gpus/v2/endpoints/:endpoint_id/rollout',
    {
      schema: {
        operationId: 'getRollout',
        summary: 'Get the running rollout of an endpoint, or the last one, in full',
        tags: ['rollouts'],
        params: EndpointPath,
        response: { 200: Type.Ref('RolloutDetails#', { description: 'The rollout.' }), ...ERROR_ANSWERS },
      },
    },
    async (request) => rolloutDetails(await service.rollout(request.params.endpoint_id, callerOf(request))),
  );

  for (const command of ROLLOUT_COMMANDS) {
    app.post<{ Params: { endpoint_id: string } }>(
      `/gpus/v2/endpoints/:endpoint_id/rollout/${command}`,
      {
        schema: {
          operationId: `${command}Rollout`,
          ...WHAT_IT_DOES[command],
          tags: ['rollouts'],
          params: EndpointPath,
          querystring: NO_QUERY,
          response: {
            200: Type.Ref('RolloutDetails#', { description: 'The rollout after it.' }),
            ...ERROR_ANSWERS,
          },
        },
      },
      async (request) => {
        const { endpoint_id: endpointId } = request.params;
        return rolloutDetails(await service.rolloutOrder(endpointId, command, callerOf(request)));
      },
    );
  }
}
