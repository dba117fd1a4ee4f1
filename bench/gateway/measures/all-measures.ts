import { bulk } from './bulk.ts';
import { cpu } from './cpu.ts';
import { endpoints } from './endpoints.ts';
import { latency } from './latency.ts';
import type { Measure } from './measure.ts';
import { parked } from './parked.ts';
import { slow } from './slow.ts';
import { sockets } from './sockets.ts';
import { sse } from './sse.ts';

export const MEASURES: readonly Measure[] = [cpu, latency, sse, bulk, slow, parked, sockets, endpoints];
