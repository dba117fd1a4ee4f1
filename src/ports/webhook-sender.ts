export interface WebhookMessage {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends one POST and reads no more than its status. Follows no redirect; bounded in time and size. */
export interface WebhookSender {
  /** Resolves to the status; rejects with an AppError that says why there is none, or why it may not be sent. */
  send(message: WebhookMessage, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}
