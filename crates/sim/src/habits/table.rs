//! The form of the table of habits: from one row each, the types, the editions and the words.

/// Makes an enum of each row, and the struct that has a value of each.
///
/// A row: `name: Type { Value = "word", … } [value in 2023, value in 2025] (values that a mixture draws from);`
macro_rules! habits {
    ($($(#[$doc:meta])* $field:ident: $Type:ident { $($Value:ident = $word:literal),+ $(,)? }
        [$y2023:ident, $y2025:ident] ($($mixed:ident),+);)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub(crate) enum $Type { $($Value),+ }

            impl $Type {
                const ALL: &[(&str, $Type)] = &[$(($word, $Type::$Value)),+];

                fn word(self) -> &'static str {
                    match self { $($Type::$Value => $word),+ }
                }
            }
        )+

        /// How the site behaves, one value of each habit.
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct Habits { $($(#[$doc])* pub(crate) $field: $Type),+ }

        impl Habits {
            fn y2023() -> Habits { Habits { $($field: $Type::$y2023),+ } }

            fn y2025() -> Habits { Habits { $($field: $Type::$y2025),+ } }

            fn drawn(rng: &mut fastrand::Rng) -> Habits {
                Habits {
                    $($field: {
                        let from = [$($Type::$mixed),+];
                        from[rng.usize(..from.len())]
                    }),+
                }
            }

            /// Sets a habit by its words; false when there is none of that name or value.
            fn set(&mut self, name: &str, value: &str) -> bool {
                $(if same(name, stringify!($field)) {
                    let found = $Type::ALL.iter().find(|(word, _)| *word == value);
                    self.$field = found.map_or(self.$field, |(_, found)| *found);
                    return found.is_some();
                })+
                false
            }

            /// Every habit's name, with the word for its value.
            pub(crate) fn words(&self) -> Vec<(String, &'static str)> {
                vec![$((spelled(stringify!($field)), self.$field.word())),+]
            }
        }

        /// Every habit's name, with the words for its values.
        fn known() -> Vec<(String, Vec<&'static str>)> {
            vec![$((spelled(stringify!($field)), $Type::ALL.iter().map(|(word, _)| *word).collect())),+]
        }
    };
}

pub(super) use habits;
