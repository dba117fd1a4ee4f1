import type { IncomingMessage } from 'node:http';
import { AppError } from '../../base/errors.ts';

const HOST = /^[A-Za-z0-9._~:[\]-]*$/;
const LENGTH = /^[0-9]{1,15}$/;

function malformed(what: string): AppError {
  return new AppError('REQUEST_MALFORMED', `The request is not valid HTTP/1.1: ${what}.`);
}

/**
 * Refuses a request whose end or target two servers could read differently (RFC 9112 §6.3, §3.2).
 * Node's parser refuses most of them; it lets through what is checked here.
 */
export function checkFraming(request: IncomingMessage): void {
  const { rawHeaders, httpVersion } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') throw malformed(`it says HTTP/${httpVersion}`);
  let hosts = 0;
  let lengths = 0;
  let encodings = 0;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const value = rawHeaders[index + 1] as string;
    switch ((rawHeaders[index] as string).toLowerCase()) {
      case 'host':
        hosts += 1;
        if (!HOST.test(value)) throw malformed('its Host header is not a host');
        break;
      case 'content-length':
        lengths += 1;
        if (!LENGTH.test(value)) throw malformed('its Content-Length is not one number');
        break;
      case 'transfer-encoding':
        encodings += 1;
        if (value.toLowerCase() !== 'chunked') throw malformed('its Transfer-Encoding is not "chunked"');
        break;
    }
  }
  if (hosts > 1) throw malformed('it has more than one Host header');
  if (hosts === 0 && request.httpVersionMinor > 0) throw malformed('it has no Host header');
  if (lengths > 1) throw malformed('it has more than one Content-Length header');
  if (encodings > 1) throw malformed('it has more than one Transfer-Encoding header');
  if (encodings > 0 && lengths > 0) throw malformed('it has both Content-Length and Transfer-Encoding');
  if (encodings > 0 && request.httpVersionMinor === 0) throw malformed('HTTP/1.0 has no Transfer-Encoding');
}
