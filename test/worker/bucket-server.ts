import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StoredObject {
  readonly body: string;
  readonly contentType: string;
  readonly authorization: string;
}

/** As much of S3 as an upload and a signed link need: it keeps what is PUT, and gives it to links that are signed. */
export class BucketServer {
  readonly #server: Server;
  readonly objects = new Map<string, StoredObject>();
  /** Answered instead of keeping anything. */
  refusal: number | null = null;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async open(): Promise<BucketServer> {
    const bucket = new BucketServer();
    bucket.#server.listen(0, '127.0.0.1');
    await once(bucket.#server, 'listening');
    return bucket;
  }

  /** The variables that lead a worker here. */
  get variables(): Record<string, string> {
    return {
      BUCKET_ENDPOINT_URL: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
      BUCKET_ACCESS_KEY_ID: 'access',
      BUCKET_SECRET_ACCESS_KEY: 'secret',
    };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const url = new URL(request.url ?? '', 'http://bucket');
    if (this.refusal !== null) {
      response.writeHead(this.refusal, { 'content-type': 'application/xml' });
      response.end('<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>');
    } else if (request.method === 'PUT') {
      this.objects.set(url.pathname, {
        body: Buffer.concat(chunks).toString('utf8'),
        contentType: request.headers['content-type'] ?? '',
        authorization: request.headers.authorization ?? '',
      });
      response.writeHead(200, { etag: '"1"' }).end();
    } else {
      const object = this.objects.get(url.pathname);
      const signed = url.searchParams.has('X-Amz-Signature');
      response.writeHead(object === undefined ? 404 : signed ? 200 : 403).end(object?.body ?? '');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
