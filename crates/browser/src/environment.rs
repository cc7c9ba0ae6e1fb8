//! What of our environment a browser gets: what it needs to run, and no key or setting of ours, nor
//! anything that is open here.

use std::ffi::{OsStr, OsString};
use std::process::Command;

/// The variables by name.
const NAMES: &[&str] = &[
    "CHROMIUM_FLAGS",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "PULSE_SERVER",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "no_proxy",
    // Of Windows.
    "ALLUSERSPROFILE",
    "APPDATA",
    "COMPUTERNAME",
    "COMSPEC",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "NUMBER_OF_PROCESSORS",
    "OS",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PROGRAMFILES(X86)",
    "PROGRAMW6432",
    "SESSIONNAME",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERDOMAIN",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
];

/// The variables by how their names begin: of the desktop, its fonts and its graphics, and of the
/// ways in which browsers are packaged.
const PREFIXES: &[&str] = &[
    "CHROME_",
    "FLATPAK_",
    "FONTCONFIG_",
    "GDK_",
    "GTK_",
    "LC_",
    "LIBGL_",
    "LIBVA_",
    "MESA_",
    "MOZ_",
    "NIX_",
    "SNAP",
    "XDG_",
];

/// Proxies, which a browser that is told of none finds by itself; but for one with a password.
const PROXIES: &[&str] = &["all_proxy", "ftp_proxy", "http_proxy", "https_proxy"];

/// The first descriptor behind stdin, stdout and stderr.
#[cfg(unix)]
const FIRST_OTHER: i32 = 3;

/// Has a browser, or its driver, start with those variables alone, and with no descriptor of ours
/// but those that the command itself names: a browser that runs on would keep open whatever
/// pipe or file somebody has left inheritable here.
pub(crate) fn set(command: &mut Command) {
    #[cfg(unix)]
    close_fds::set_fds_cloexec_threadsafe(FIRST_OTHER, &[]);
    command.env_clear().envs(std::env::vars_os().filter(|(name, value)| is_passed_on(name, value)));
}

fn is_passed_on(name: &OsString, value: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let upper = name.to_ascii_uppercase();
    let is_named = NAMES.iter().any(|known| *known == name || (cfg!(windows) && *known == upper));
    let is_proxy = PROXIES.iter().any(|known| known.eq_ignore_ascii_case(name));
    is_named
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || (is_proxy && !value.to_string_lossy().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_and_no_password_is_passed_on() {
        let passes = |name: &str, value: &str| is_passed_on(&name.into(), OsStr::new(value));
        for (name, value) in [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("XDG_RUNTIME_DIR", "/run"),
            ("https_proxy", "http://proxy:3128"),
        ] {
            assert!(passes(name, value), "{name}");
        }
        for (name, value) in [
            ("LENORE_API_KEY", "k"),
            ("OPENAI_API_KEY", "k"),
            ("AWS_SECRET_ACCESS_KEY", "k"),
            ("SSH_AUTH_SOCK", "/run/x"),
            ("HTTPS_PROXY", "http://ann:s3cret@proxy:3128"),
            ("LD_PRELOAD", "x.so"),
        ] {
            assert!(!passes(name, value), "{name}");
        }
    }
}
