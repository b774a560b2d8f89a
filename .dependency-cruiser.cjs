// The arrows between the rooms point one way: cli, operations, then directory and certificate side by side, then blob, then errors.
const rooms = ['cli', 'operations', '(directory|certificate)', 'blob'];

const upwards = rooms.flatMap((room, index) =>
  index === 0 ? [] : [{
    name: `${room} imports nothing from above`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path: `^src/(${rooms.slice(0, index).join('|')}|index[.]ts)` },
  }],
);

module.exports = {
  forbidden: [
    ...upwards,
    { name: 'directory does not import certificate', severity: 'error', from: { path: '^src/directory/' }, to: { path: '^src/certificate/' } },
    { name: 'certificate does not import directory', severity: 'error', from: { path: '^src/certificate/' }, to: { path: '^src/directory/' } },
    { name: 'blob is pure', severity: 'error', from: { path: '^src/blob/' }, to: { pathNot: '^(src/(blob/|errors[.]ts)|crypto$|node:crypto$)' } },
    { name: 'errors stand alone', severity: 'error', from: { path: '^src/errors[.]ts' }, to: { path: '.' } },
    { name: 'the library does not import the command line', severity: 'error', from: { path: '^src/index[.]ts' }, to: { path: '^src/cli/' } },
    { name: 'the report page takes only types from the rest', severity: 'error', from: { path: '^src/report-page/' }, to: { path: '^src/', pathNot: '^src/report-page/', dependencyTypesNot: ['type-only'] } },
    { name: 'no circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'every import resolves', severity: 'error', from: {}, to: { couldNotResolve: true, dependencyTypesNot: ['npm-optional'] } },
  ],
  options: { tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' }, tsConfig: { fileName: 'tsconfig.json' } },
};
