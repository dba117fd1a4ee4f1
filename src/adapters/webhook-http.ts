import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { Agent, request } from 'undici';
import { AppError } from '../base/errors.ts';
import { KIB, SECOND_MS } from '../base/units.ts';
import type { WebhookSender } from '../ports/webhook-sender.ts';

export interface WebhookSenderOptions {
  /** Parts of the private address space that webhooks may reach all the same, such as 10.0.0.0/8. */
  readonly allow: readonly string[];
}

/** Of an answer; it is read for politeness and thrown away. */
const ANSWER_BYTES_MAX = 64 * KIB;

/**
 * Addresses that are not of the public internet (IANA's special-purpose registries): loopback,
 * private, link-local with the clouds' metadata servers, shared, reserved, multicast.
 */
const PRIVATE = blockList([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
]);

/**
 * Sends webhooks to the public internet and to what the operator allowed, and nowhere else: who may
 * run jobs chooses the address, and must not reach by it what only this machine can. The address that
 * a name leads to is checked as the connection is made, so a name cannot lead to another one then.
 */
export function createWebhookSender({ allow }: WebhookSenderOptions): WebhookSender {
  const allowed = blockList(allow);
  const refused = (address: string): boolean => !isIn(allowed, address) && isIn(PRIVATE, address);
  const agent = new Agent({
    connect: {
      timeout: 10 * SECOND_MS,
      lookup: (hostname, options, callback) => checkedLookup(refused, hostname, options, callback),
    },
    connections: 4,
    headersTimeout: 20 * SECOND_MS,
    bodyTimeout: 20 * SECOND_MS,
  });
  return {
    async send({ url, headers, body }, signal) {
      // A literal address is never looked up.
      const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0 && refused(host)) throw privateAddress(host);
      const answer = await request(url, { method: 'POST', headers, body, signal, dispatcher: agent });
      await answer.body.dump({ limit: ANSWER_BYTES_MAX, signal });
      return answer.statusCode;
    },
    async close() {
      await agent.destroy();
    },
  };
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

function checkedLookup(
  refused: (address: string) => boolean,
  hostname: string,
  options: LookupOptions,
  callback: LookupCallback,
): void {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error !== null) {
      callback(error, []);
      return;
    }
    const open = found.filter(({ address }) => !refused(address));
    const [first] = open;
    if (first === undefined) callback(privateAddress(found[0]?.address ?? hostname), []);
    else if (options.all === true) callback(null, open);
    else callback(null, first.address, first.family);
  });
}

function privateAddress(address: string): AppError {
  return new AppError(
    'FORBIDDEN',
    `The webhook leads to ${address}, which is no address of the public internet; allow it by PILOTLIGHT_WEBHOOK_ALLOW, or use another one.`,
  );
}

function blockList(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', prefix] = subnet.split('/');
    list.addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** An IPv4 address in the clothes of IPv6 is the IPv4 address. */
function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
