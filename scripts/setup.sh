# Shared by scripts/test and scripts/demo: brings a fresh Debian machine with Node 20 and npm to a built checkout.
# Sourced, not run. Each step is skipped when its result is there already.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '%s\n' "$*" >&2; }

install_debian_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then
    say "These Debian packages are missing and only root can install them: ${missing[*]}"
    return 1
  fi
  say "Installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

install_npm_packages() {
  local stamp=node_modules/.installed-from
  if ! cmp -s package-lock.json "$stamp"; then
    say 'Installing npm packages'
    # The machine's Node only starts the installation; the scripts run on the pinned one, so its version does not matter.
    # Not npm ci: it refuses a lock file that names the programs of other platforms only in part.
    npm install --no-save --no-audit --no-fund --loglevel=error >&2
    cp package-lock.json "$stamp"
  fi
  PATH="$root/node_modules/.bin:$PATH"
}

build() {
  if [ -e dist/cli/main.js ] && [ -z "$(find src scripts/build.ts package.json tsconfig.json tsconfig.build.json -newer dist/cli/main.js -print -quit)" ]; then
    return
  fi
  say 'Building'
  npm run --silent build
}
