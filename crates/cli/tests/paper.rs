//! Completions and manual pages.

mod support;

use support::Home;

#[tokio::test]
async fn every_shell_gets_its_completions() {
    let home = Home::new();
    for (shell, word) in [
        ("bash", "complete -F _lenore"),
        ("zsh", "#compdef lenore"),
        ("fish", "complete -c lenore"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let ended = home.run(&["completions", shell]).await.with_code(0);
        assert!(ended.stdout.contains(word), "{shell}");
        assert!(ended.stdout.contains("dry-run") && ended.stdout.contains("logout"), "{shell}");
        assert_eq!(ended.stderr, "", "{shell}");
    }
    home.run(&["completions", "tcsh"]).await.with_code(2);
}

#[cfg(unix)]
#[tokio::test]
async fn a_shell_understands_its_completions() {
    let home = Home::new();
    let script = home.run(&["completions", "bash"]).await.with_code(0).stdout;
    let asked = format!(
        "{script}\nCOMP_WORDS=(lenore lo); COMP_CWORD=1; _lenore lenore lo lenore; echo \
         \"${{COMPREPLY[@]}}\""
    );
    let shell = std::process::Command::new("bash").args(["-c", &asked]).output();
    let Ok(shell) = shell else {
        eprintln!("skipped: bash is not installed");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&shell.stdout).trim(), "login logout logs", "{shell:?}");
}

#[tokio::test]
async fn the_manual_has_a_page_for_each_command() {
    let home = Home::new();
    let page = home.run(&["man"]).await.with_code(0).stdout;
    for words in [".TH lenore 1", ".SH \"EXIT STATUS\"", "human check", "LENORE_PROXY"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let directory = home.path("man1");
    let name = directory.to_str().expect("a name");
    let ended = home.run(&["man", "--dir", name]).await.with_code(0);
    assert_eq!(ended.stdout, "");
    for command in ["ask", "logs", "logs-search", "config", "man"] {
        let page = directory.join(format!("lenore-{command}.1"));
        let text = std::fs::read_to_string(page).expect(command);
        assert!(text.contains("EXIT STATUS"), "{command}");
    }
    assert!(directory.join("lenore.1").exists());
    let ended = home.run(&["man", "--dir", "/dev/null/man1"]).await.with_code(1);
    assert!(ended.error().contains("cannot be written"), "{ended:#?}");
}
