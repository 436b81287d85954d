//! What Korean denies at the end of a clause: `캐시 이런 거 말고`, `허용해 달라는 게 아니라`.

use super::Reading;
use crate::understand::text::Span;
use crate::understand::words::is_particle;

impl Reading<'_> {
    /// `캐시 이런 거 말고`, `방화벽 같은 건 빼고`.
    pub(super) fn is_set_aside(&self, place: Span) -> bool {
        const SUCH: [&str; 12] =
            ["이런", "그런", "같은", "거", "것", "건", "걸", "것은", "것들", "기능", "따위", "등"];
        const NO: [&str; 5] = ["말고", "빼고", "아니고", "아니라", "됐고"];
        const THINGS: [&str; 6] = ["서버", "설정", "기능", "규칙", "레코드", "정책"];
        let mut after = self.after(place).map(|word| word.form.as_str()).peekable();
        // `캐시 서버 같은 거 말고`.
        after.next_if(|form| THINGS.contains(form));
        // `R2로 빼고`.
        if after.peek().is_some_and(|form| matches!(*form, "로" | "으로")) {
            return false;
        }
        let mut such = 0;
        while after.next_if(|form| SUCH.contains(form) || is_particle(form)).is_some() {
            such += 1;
        }
        such > 0 && after.next().is_some_and(|form| NO.contains(&form))
    }

    /// `허용해 달라는 게 아니라`, `공격받는 상황도 아닙니다`.
    pub(super) fn is_not_what_is_meant(&self, place: Span) -> bool {
        const FILLERS: [&str; 24] = [
            "달라",
            "달란",
            "주라",
            "하라",
            "하자",
            "게",
            "것",
            "건",
            "거",
            "말",
            "뜻",
            "얘기",
            "이야기",
            "상황",
            "상태",
            "경우",
            "요청하",
            "신청하",
            "원하",
            "필요한",
            "중",
            "진행되",
            "의도",
            "목적",
        ];
        let mut after = self.after(place).map(|word| word.form.as_str()).peekable();
        while after.next_if(|form| is_particle(form)).is_some() {}
        let mut fillers = 0;
        while fillers < 3
            && after.next_if(|form| FILLERS.iter().any(|it| form.starts_with(it))).is_some()
        {
            fillers += 1;
        }
        fillers > 0
            && after.next().is_some_and(|form| form.starts_with("아니") || form.starts_with("아닙"))
    }

    /// `캐시나 방화벽 얘기가 아니고`: what is denied comes at the end of the list.
    pub(super) fn is_in_a_denied_list(&self, place: Span) -> bool {
        const AND: [&str; 8] = ["이나", "나", "이랑", "랑", "와", "과", "하고", "도"];
        const ABOUT: [&str; 6] = ["얘기", "이야기", "문제", "쪽이", "건", "것이"];
        const NOT: [&str; 11] = [
            "아니고",
            "아니라",
            "아니에",
            "아닙",
            "아님",
            "말고",
            "필요",
            "됐고",
            "됐구",
            "됐어",
            "됐습",
        ];
        let ends = |form: &str| AND.iter().any(|end| form.ends_with(end));
        let mut in_list = self.spoken(place).any(|word| ends(&word.form));
        let mut words = self.after(place).take(5).peekable();
        while let Some(word) = words.next() {
            let form = word.form.as_str();
            if NOT.iter().any(|not| form.starts_with(not)) && in_list {
                // `필요` alone says the opposite.
                let none = words.peek().is_some_and(|it| it.form.starts_with('없'));
                return none || form.starts_with("필요없") || !form.starts_with("필요");
            }
            let about = ABOUT.iter().any(|it| form.starts_with(it));
            if !in_list && !about && !is_particle(form) {
                return false;
            }
            in_list = in_list || about || ends(form);
        }
        false
    }
}
