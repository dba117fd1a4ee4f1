import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { AppError } from '../base/errors.ts';
import { secureOptions, type Certificate } from '../gateway/certificate.ts';

/** Where a certificate and its key are. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Reads both, and throws CONFIG_INVALID where TLS could not be spoken with them. */
export function readCertificate(files: CertificateFiles): Certificate {
  const certificate = {
    cert: readPem(files.cert, 'PILOTLIGHT_TLS_CERT'),
    key: readPem(files.key, 'PILOTLIGHT_TLS_KEY'),
  };
  try {
    createSecureContext(secureOptions(certificate));
  } catch (cause) {
    throw new AppError(
      'CONFIG_INVALID',
      `TLS cannot be spoken with the certificate ${files.cert} and the key ${files.key}: ${(cause as Error).message}; both must be PEM, the key without a passphrase and that of the certificate`,
      { cause },
    );
  }
  return certificate;
}

function readPem(path: string, setting: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `${setting}: ${(cause as Error).message}`, { cause });
  }
}
