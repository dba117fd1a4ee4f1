import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { workerAmountOf, type WorkerAmount } from '../model/rollout-options.ts';

/** What one setting's text became, or what is wrong with it in words that fit behind its name. */
export type Parsed<T> = { readonly value: T } | { readonly fault: string };
export type Parse<T> = (text: string) => Parsed<T>;

function given(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

export function integerBetween(min: number, max: number): Parse<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return { value };
    return { fault: `must be an integer from ${min} to ${max}; given ${given(text)}` };
  };
}

export function numberBetween(min: number, max: number): Parse<number> {
  return (text) => {
    const value = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return { value };
    return { fault: `must be a number from ${min} to ${max}; given ${given(text)}` };
  };
}

/** `2` workers, or `25%` of them. */
export function workerAmount(min: number, max: number): Parse<WorkerAmount> {
  return (text) => {
    const value = workerAmountOf(text, min, max);
    if (value !== null) return { value };
    return {
      fault: `must be a number of workers from ${min} to ${max} or a share from ${min > 0 ? 1 : 0}% to 100%; given ${given(text)}`,
    };
  };
}

export function oneOf<T extends string>(...choices: readonly T[]): Parse<T> {
  return (text) => {
    const value = choices.find((choice) => choice === text);
    if (value !== undefined) return { value };
    return { fault: `must be one of ${choices.join(', ')}; given ${given(text)}` };
  };
}

/** `gpu=1.2,cpu=0.05`: each product once, with its price. */
export function prices(text: string): Parsed<ReadonlyMap<string, number>> {
  const value = new Map<string, number>();
  for (const part of text.split(',')) {
    const match = /^([^=\s]{1,255})=(\d{1,9}(?:\.\d{1,4})?)$/.exec(part.trim());
    if (match?.[1] === undefined || value.has(match[1])) {
      return {
        fault: `must be product=price apart by commas, each product once, a price with at most 4 decimals, such as gpu=1.2,cpu=0.05; given ${given(text)}`,
      };
    }
    value.set(match[1], Number(match[2]));
  }
  return { value };
}

export interface HostAndPort {
  /** Without brackets, also for IPv6. */
  readonly host: string;
  /** 0: the system chooses one. */
  readonly port: number;
}

/** Addresses or `address/prefix`, apart by commas; each as `address/prefix`. */
export function subnets(text: string): Parsed<readonly string[]> {
  const value: string[] = [];
  for (const part of text.split(',')) {
    const match = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(part.trim());
    const address = match?.[1] ?? '';
    const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
    const prefix = match?.[2] === undefined ? bits : Number(match[2]);
    if (bits === 0 || prefix > bits) {
      return {
        fault: `must be addresses or subnets apart by commas, such as 127.0.0.1,10.0.0.0/8; given ${given(text)}`,
      };
    }
    value.push(`${address}/${prefix}`);
  }
  return { value };
}

/** `host:port` or `[IPv6]:port`. */
export function hostAndPort(text: string): Parsed<HostAndPort> {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host !== undefined && port <= 65_535) return { value: { host, port } };
  return {
    fault: `must be host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080; given ${given(text)}`,
  };
}

/** A folder, made absolute from where the server was started, so that a later change of it means nothing. */
export function folder(text: string): Parsed<string> {
  if (text.includes('\0')) return { fault: 'must be a path without NUL characters' };
  return { value: resolve(text) };
}

/** A file, made absolute in the same way. */
export const file = folder;

/** Never repeats what was given: it is a secret. */
export function apiKey(text: string): Parsed<string> {
  if (/^[\x21-\x7e]{1,256}$/.test(text)) return { value: text };
  return {
    fault: `must be 1 to 256 visible ASCII characters without spaces; given ${text.length} characters, not all of them allowed`,
  };
}

export function domainName(text: string): Parsed<string> {
  const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
  const name = text.toLowerCase();
  // 253 is the longest name DNS carries; an endpoint's own label of up to 63 and its dot come before ours.
  if (name.length <= 189 && name.split('.').every((part) => label.test(part))) return { value: name };
  return {
    fault: `must be a domain name of at most 189 characters without scheme, port or final dot, such as gpu.example.com; given ${given(text)}`,
  };
}

/** An http or https address to put paths behind; without its final slash. */
export function baseUrl(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const web = url?.protocol === 'http:' || url?.protocol === 'https:';
  const bare = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url !== undefined && web && bare) {
    return { value: url.origin + url.pathname.replace(/\/+$/, '') };
  }
  return {
    fault: `must be an http or https address without user, query and fragment, such as https://gpu.example.com; given ${given(text)}`,
  };
}

/** A path, or the `unix://` address of DOCKER_HOST. */
export function socketPath(text: string): Parsed<string> {
  const path = text.startsWith('unix://') ? text.slice('unix://'.length) : text;
  const scheme = /^[a-z+]+:\/\//.test(path);
  // The kernel's limit for the address of a socket, less the NUL at its end.
  if (!scheme && path !== '' && !path.includes('\0') && resolve(path).length <= 107) {
    return { value: resolve(path) };
  }
  return {
    fault: `must be the path of a socket of at most 107 characters, such as /var/run/docker.sock; an engine elsewhere is not supported; given ${given(text)}`,
  };
}

/** `CHOWN,SETUID`: names of capabilities(7), with or without CAP_. */
export function capabilities(text: string): Parsed<readonly string[]> {
  const names = text.split(',').map((name) => name.trim().toUpperCase().replace(/^CAP_/, ''));
  if (names.length <= 64 && names.every((name) => /^[A-Z][A-Z_]{2,30}$/.test(name))) {
    return { value: [...new Set(names)] };
  }
  return {
    fault: `must be names of Linux capabilities apart by commas, such as CHOWN,SETUID; given ${given(text)}`,
  };
}

/** 32 bytes in base64. Never repeats what was given: it is a secret. */
export function secretKey(text: string): Parsed<string> {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 32 && /^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return { value: bytes.toString('base64') };
  return {
    fault: `must be 32 random bytes in base64, such as \`openssl rand -base64 32\` makes; given ${text.length} characters that are not`,
  };
}
