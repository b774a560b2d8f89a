# shellcheck shell=bash
# Shared by the commands in scripts: brings a fresh Debian machine with Node 20 and npm to a built checkout.
# Sourced, not run. Each step is skipped when its result is there already.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit

say() { printf '%s\n' "$@" >&2; }

# Installs what the lists name, one package a line, and stays quiet when all of it is there.
install_debian_packages() {
  local wanted missing=() package
  mapfile -t wanted < <(cat "$@")
  for package in "${wanted[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    say "These Debian packages are missing and only root can install them: ${missing[*]}"
    return 1
  fi
  say "Installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Installs the versions of the lock file.
install_npm_packages() {
  npm_packages_are_current || npm_ci
  PATH="$root/node_modules/.bin:$PATH"
}

# npm leaves out an optional package that does not install, without a word: what made it fail may be there by now.
require_optional_npm_packages() {
  optional_packages_load 2>/dev/null && return
  npm_ci
  optional_packages_load || {
    say 'The tests need every optional package, and npm did not bring those above.'
    return 1
  }
}

npm_stamp=node_modules/.installed-from

# npm writes down what it really installed: whoever changes that later, the stamp is no longer true.
npm_state() { cat package-lock.json node_modules/.package-lock.json 2>/dev/null | sha256sum; }

npm_packages_are_current() {
  [ -x node_modules/.bin/node ] && [ -e "$npm_stamp" ] && [ "$(npm_state)" = "$(cat "$npm_stamp")" ]
}

npm_ci() {
  say 'Installing npm packages'
  # The machine's Node only starts the installation; the scripts run on the pinned one, which a script of its package
  # fetches. So whatever NODE_ENV and the settings of the user leave out is asked for.
  npm ci --include=dev --include=optional --ignore-scripts=false --no-audit --no-fund --loglevel=error >&2
  [ -x node_modules/.bin/node ] || { say 'npm did not install Node.js: there is no node_modules/.bin/node'; return 1; }
  npm_state >"$npm_stamp"
}

# Names each that does not load.
optional_packages_load() {
  node --input-type=module <<'JS'
import { readFile } from 'node:fs/promises';
const { optionalDependencies = {} } = JSON.parse(await readFile('package.json', 'utf8'));
for (const name of Object.keys(optionalDependencies)) {
  await import(name).catch((error) => {
    console.error(`${name} does not load: ${error.message}`);
    process.exitCode = 1;
  });
}
JS
}

build() {
  local stamp=node_modules/.built
  local sources=(src scripts/build.ts package.json package-lock.json tsconfig.json tsconfig.build.json)
  if [ -e dist/cli/main.js ] && [ -e "$stamp" ] && [ -z "$(find "${sources[@]}" -newer "$stamp" -print -quit)" ]; then
    return
  fi
  say 'Building'
  # As old as the beginning, and there only after the end: what changes meanwhile, or fails, is built again.
  touch "$stamp.unfinished"
  npm run --silent build
  mv "$stamp.unfinished" "$stamp"
}
