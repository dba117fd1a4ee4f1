/** The load: a process of its own on its own core, told by messages what to send. */
import { closed } from './closed.ts';
import { events } from './events.ts';
import type { Figures, Job, LoadReply, LoadRequest, Pause } from './message.ts';
import { open } from './open.ts';
import { parked } from './parked.ts';
import { sockets } from './sockets.ts';
import { transfer } from './transfer.ts';

let goOn: () => void = () => undefined;
const pause: Pause = async () =>
  await new Promise<void>((resolve) => {
    goOn = resolve;
    send({ kind: 'paused' });
  });

async function run(job: Job): Promise<Figures> {
  switch (job.kind) {
    case 'closed':
      return await closed(job);
    case 'open':
      return await open(job);
    case 'events':
      return await events(job, pause);
    case 'download':
    case 'upload':
      return await transfer(job);
    case 'parked':
      return await parked(job, pause);
    case 'sockets':
      return await sockets(job, pause);
  }
}

function send(reply: LoadReply): void {
  process.send?.(reply);
}

process.on('message', (message) => {
  const request = message as LoadRequest;
  if (request.kind === 'goOn') {
    goOn();
    return;
  }
  run(request.job).then(
    (figures) => send({ kind: 'done', figures }),
    (error: unknown) =>
      send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
