// The floors of the house, from the top down: each may import what lies below it, and nothing above.
const floors = ['cli', 'queue', 'run', 'journal', 'plan', 'inspect', 'machine', 'judge', 'directory', 'certificate', 'blob', 'files', 'packed', 'native'];

const upwards = floors.flatMap((floor, index) =>
  index === 0 ? [] : [{
    name: `${floor} imports nothing from above`,
    severity: 'error',
    from: { path: `^src/${floor}/` },
    to: { path: `^src/(${floors.slice(0, index).join('|')})/|^src/index[.]ts` },
  }],
);

module.exports = {
  forbidden: [
    ...upwards,
    { name: 'directory does not import certificate', severity: 'error', from: { path: '^src/directory/' }, to: { path: '^src/certificate/' } },
    { name: 'Active Directory does not know LDIF files', severity: 'error', from: { path: '^src/directory/active-directory/' }, to: { path: '^src/directory/ldif/' } },
    { name: 'LDIF files do not know Active Directory', severity: 'error', from: { path: '^src/directory/ldif/' }, to: { path: '^src/directory/active-directory/' } },
    {
      name: 'what decides and what runs know no kind of directory, but the LDIF format of backups',
      severity: 'error',
      from: { path: '^src/(run|journal|plan|inspect|judge)/' },
      to: { path: '^src/directory/(active-directory|ldif)/', pathNot: '^src/directory/ldif/(entry|ldif|lines|users)[.]ts$' },
    },
    { name: 'blob is pure', severity: 'error', from: { path: '^src/blob/' }, to: { pathNot: '^(src/(blob/|errors[.]ts)|crypto$|node:crypto$)' } },
    { name: 'native knows nothing of the project but errors', severity: 'error', from: { path: '^src/native/' }, to: { path: '^src/', pathNot: '^src/(native/|errors[.]ts)' } },
    { name: 'errors stand alone', severity: 'error', from: { path: '^src/errors[.]ts' }, to: { path: '.' } },
    { name: 'advice can be given on every floor', severity: 'error', from: { path: '^src/(advice|visible)[.]ts' }, to: { path: '.', pathNot: '^src/visible[.]ts' } },
    { name: 'the library does not import the command line', severity: 'error', from: { path: '^src/index[.]ts' }, to: { path: '^src/cli/' } },
    { name: 'the report page takes only types from the rest', severity: 'error', from: { path: '^src/report-page/' }, to: { path: '^src/', pathNot: '^src/report-page/', dependencyTypesNot: ['type-only'] } },
    { name: 'no circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'every import resolves', severity: 'error', from: {}, to: { couldNotResolve: true, dependencyTypesNot: ['npm-optional'] } },
  ],
  options: { tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' }, tsConfig: { fileName: 'tsconfig.json' } },
};
