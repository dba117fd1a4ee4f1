/** What TLS is spoken with, both as PEM. */
export interface Certificate {
  /** With those of its issuers behind it. */
  readonly cert: string;
  readonly key: string;
}

/** For `tls.createServer` and `setSecureContext`: HTTP/1.1 over what browsers and clients of this decade speak. */
export function secureOptions({ cert, key }: Certificate): {
  cert: string;
  key: string;
  minVersion: 'TLSv1.2';
  ALPNProtocols: string[];
} {
  return { cert, key, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] };
}
