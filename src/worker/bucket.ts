import { AppError } from '../base/errors.ts';
import type { Environment } from './environment.ts';

/** The names that workers and images of this protocol already use for where large outputs go. */
export const BUCKET_VARIABLES = 'BUCKET_ENDPOINT_URL, BUCKET_ACCESS_KEY_ID and BUCKET_SECRET_ACCESS_KEY';

const LINK_SECONDS = 7 * 24 * 3_600;

export interface Bucket {
  /** Stores an object and resolves with a link to it that anybody can follow for seven days. */
  upload(key: string, data: Uint8Array | string, contentType: string): Promise<string>;
}

/** The bucket that the variables name, or null when they do not. Needs no package before its first upload. */
export function bucketOf(environment: Environment, nowMs: () => number): Bucket | null {
  const endpoint = environment['BUCKET_ENDPOINT_URL'] ?? '';
  const accessKeyId = environment['BUCKET_ACCESS_KEY_ID'] ?? '';
  const secretAccessKey = environment['BUCKET_SECRET_ACCESS_KEY'] ?? '';
  if (endpoint === '' || accessKeyId === '' || secretAccessKey === '') return null;
  return {
    async upload(key, data, contentType) {
      const { s3, presigner } = await packages();
      const client = new s3.S3Client({
        endpoint,
        region: regionOf(endpoint),
        credentials: { accessKeyId, secretAccessKey },
        forcePathStyle: true,
        maxAttempts: 3,
        // Stores other than Amazon's refuse the checksums that newer SDKs add by themselves.
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      });
      try {
        const place = { Bucket: environment['BUCKET_NAME'] ?? monthName(nowMs()), Key: key };
        await client.send(new s3.PutObjectCommand({ ...place, Body: data, ContentType: contentType }));
        return await presigner.getSignedUrl(client, new s3.GetObjectCommand(place), {
          expiresIn: LINK_SECONDS,
        });
      } finally {
        client.destroy();
      }
    },
  };
}

/** Optional peers: a worker whose outputs are small does without 26 MB of them. */
async function packages() {
  try {
    return {
      s3: await import('@aws-sdk/client-s3'),
      presigner: await import('@aws-sdk/s3-request-presigner'),
    };
  } catch (cause) {
    throw new AppError(
      'CONFIG_INVALID',
      'uploads need two packages: npm install @aws-sdk/client-s3 @aws-sdk/s3-request-presigner',
      { cause },
    );
  }
}

/** Signed into each request; the stores that look at it have it in their address. */
function regionOf(endpoint: string): string {
  const { hostname } = new URL(endpoint);
  const [, amazon] = /(?:^|\.)s3[.-]([a-z0-9-]+)\./.exec(hostname) ?? [];
  const [, spaces] = /([a-z0-9-]+)\.digitaloceanspaces\.com$/.exec(hostname) ?? [];
  return amazon ?? spaces ?? 'us-east-1';
}

/** Month and year, such as 11-26: the bucket (or with the bucket in the address, the folder) others use too. */
function monthName(nowMs: number): string {
  const [year = '', month = ''] = new Date(nowMs).toISOString().split('-');
  return `${month}-${year.slice(2)}`;
}
