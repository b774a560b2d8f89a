declare module 'pgpass' {
  interface Connection {
    host: string;
    port: number;
    user: string;
    database: string;
  }

  /** Looks into the file that PGPASSFILE of this process names, otherwise into the one of the account. */
  function pgpass(connection: Connection, found: (password: string | undefined) => void): void;
  export = pgpass;
}
