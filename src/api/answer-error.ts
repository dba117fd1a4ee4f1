import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../base/errors.ts';
import { errorAnswer } from '../model/error-status.ts';
import type { Log } from '../ports/log.ts';

/** The only door by which a failure leaves the API: what is expected tells itself, the rest tells nothing. */
export function answerError(log: Log) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const known = asAppError(error, request);
    const { status, body } = errorAnswer(known);
    if (status >= 500) {
      log.error('control API request failed', {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url,
        reason: known.code,
        detail: known.detail,
        error,
      });
    }
    if (known.retryAfterSeconds !== undefined)
      void reply.header('retry-after', String(known.retryAfterSeconds));
    if (known.code === 'PRECONDITION_FAILED') void reply.header('etag', known.metadata['etag'] ?? '');
    void reply.code(status).type('application/json; charset=utf-8').send(body);
  };
}

export function asAppError(error: unknown, request: FastifyRequest): AppError {
  if (error instanceof AppError) return error;
  // Anything can be thrown, null too.
  const { code: given, statusCode = 500 } = (error ?? {}) as Partial<FastifyError>;
  const code = String(given);
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AppError(
        'BODY_TOO_LARGE',
        `The body is over ${request.routeOptions.bodyLimit} bytes; send a smaller one.`,
      );
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AppError('UNSUPPORTED_MEDIA_TYPE', mediaTypeText(request.headers['content-type']));
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new AppError('REQUEST', 'The body has another length than its Content-Length says.');
    case 'FST_ERR_BAD_URL':
      return new AppError('REQUEST', 'The path has a percent sign that begins no valid UTF-8 escape.');
    default:
  }
  // Any other refusal of the framework, and a body that was cut off while it came in.
  if ((code.startsWith('FST_') && statusCode < 500) || code === 'ECONNRESET') {
    return new AppError('REQUEST', 'The request could not be read.', { cause: error });
  }
  return new AppError('UNKNOWN', 'Something went wrong inside the server; its log has the request id.', {
    metadata: { request_id: request.id },
    cause: error,
  });
}

function mediaTypeText(given: string | undefined): string {
  const what =
    given === undefined ? 'The body has no content type' : `The content type is "${given.slice(0, 100)}"`;
  return `${what}; send the header "Content-Type: application/json".`;
}
