import type { Subject } from '../subject.ts';
import { caddy } from './caddy.ts';
import { goProxy } from './go-proxy.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { httpProxy3, portkey, replyFrom } from './node-proxies.ts';
import { pilotlight } from './pilotlight.ts';

/** Ours last: what was skipped is told before the long part of the start. */
export function allSubjects(openConnections: number): readonly Subject[] {
  return [
    nginx,
    haproxy,
    caddy,
    goProxy,
    httpProxy3,
    replyFrom,
    portkey,
    pilotlight({ name: 'Pilotlight general', forwarder: 'general', openConnections }),
    pilotlight({ name: 'Pilotlight strict', forwarder: 'strict', openConnections }),
    pilotlight({ name: 'Pilotlight strict 2 threads', forwarder: 'strict', gateways: 2, openConnections }),
  ];
}
