/** Whom to authenticate to, as whom, and inside which channel. */
export interface KerberosRequest {
  /** The class of the service: ldap. */
  service: string;
  /** Its full DNS name: dc1.corp.example. */
  host: string;
  /** Who to be, of those that have a ticket or a key; null for the default. */
  principal: string | null;
  /** What ties the authentication to the TLS connection around it (RFC 5056): the application data of the channel binding. */
  channelBinding: Uint8Array;
}

/** The client's side of one Kerberos authentication. Each step fails with the errors of kerberosFailed. */
export interface KerberosContext {
  /** alice@CORP.EXAMPLE, null until both sides are proven to each other. */
  principal(): string | null;
  /** Takes the server's token, empty at the start, and returns the client's, empty when there is nothing to say. */
  step(token: Uint8Array): Promise<Buffer>;
  /** Signs, without encrypting. */
  wrap(message: Uint8Array): Promise<Buffer>;
  unwrap(message: Uint8Array): Promise<Buffer>;
  /** Gives everything back that the system holds for it. */
  close(): void;
}
