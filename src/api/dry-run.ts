import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { UpdatePreview } from '../ports/endpoint-service.ts';
import { updatePlan } from './plan-wire.ts';

export const DRY_RUN_QUERY = {
  dry_run: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'True: the answer is an UpdatePlan that tells what would be done; nothing is changed.',
    }),
  ),
};
export interface DryRunParams {
  readonly dry_run?: boolean;
}

/** What a change answers: what it did, or with `dry_run` what it would do. */
export function changeAnswer(description: string) {
  return Type.Union([Type.Ref('UpdateAnswer#'), Type.Ref('UpdatePlan#')], {
    description: `${description} With \`dry_run\`: what it would do.`,
  });
}

/** Written as it is: the framework's writer would have to find out which of the two it is. */
export function answerPlan(reply: FastifyReply, preview: UpdatePreview): FastifyReply {
  return reply
    .type('application/json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(updatePlan(preview));
}
